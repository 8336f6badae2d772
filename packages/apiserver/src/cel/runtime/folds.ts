import { CelArray, CelError, CelList, CelMap, CelUint, type CelValue } from '../value.ts';
import type { Frame, Run } from './frame.ts';
import { typeOf } from './type-of.ts';

/** Where the variables of a fold are kept. */
export interface FoldSlots {
  readonly first: number;
  /** Where there are two variables: an index and an element, or a key and a value. */
  readonly second: number | undefined;
  readonly accumulator: number;
}

/** Gives each element to `visit` until it says false. */
function visitAll(frame: Frame, range: CelValue, { first, second }: FoldSlots, visit: () => boolean): void {
  const { locals } = frame;
  if (range instanceof CelList) {
    for (let index = 0; index < range.size; index++) {
      frame.step();
      if (second === undefined) locals[first] = range.at(index);
      else {
        locals[first] = BigInt(index);
        locals[second] = range.at(index);
      }
      if (!visit()) return;
    }
  } else if (range instanceof CelMap) {
    for (const key of range.keys()) {
      frame.step();
      locals[first] = key;
      if (second !== undefined) locals[second] = range.get(key) ?? null;
      if (!visit()) return;
    }
  } else throw new CelError(`got '${goName(range)}', expected iterable type`);
}

/** As the real server names what cannot be walked through. */
function goName(value: CelValue): string {
  if (value === null) return 'types.Null';
  if (value instanceof CelUint) return 'types.Uint';
  const { kind } = typeOf(value);
  return `types.${kind[0]?.toUpperCase()}${kind.slice(1)}`;
}

/** The general fold. An error becomes what has accumulated: `all` and `exists` may yet find what decides. */
export function fold(range: Run, slots: FoldSlots, parts: FoldParts): Run {
  const { init, condition, step, result } = parts;
  return (frame) => {
    const over = range(frame);
    const { locals } = frame;
    locals[slots.accumulator] = init(frame);
    visitAll(frame, over, slots, () => {
      if (condition && condition(frame) === false) return false;
      try {
        locals[slots.accumulator] = step(frame);
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        locals[slots.accumulator] = error;
      }
      return true;
    });
    return result(frame);
  };
}

export interface FoldParts {
  readonly init: Run;
  /** Undefined where it is always true. */
  readonly condition: Run | undefined;
  readonly step: Run;
  readonly result: Run;
}

/** `map` and `filter`: a fold that appends to a list, without a list for every element. */
export function gather(range: Run, slots: FoldSlots, { run, constant }: Element, filter: Run | undefined): Run {
  const appendCost = constant === undefined ? newListCost + 2 : 2;
  return (frame) => {
    const over = range(frame);
    const items: CelValue[] = [];
    let failure: CelError | undefined;
    visitAll(frame, over, slots, () => {
      try {
        if (filter && !passes(filter(frame))) return true;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        failure = error;
        return true;
      }
      frame.cost += appendCost;
      try {
        items.push(run(frame));
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        failure ??= error;
      }
      return true;
    });
    frame.cost += 1;
    if (failure) throw failure;
    return new CelArray(items);
  };
}

/** A list of one, which costs nothing where it is the same in every round; the accumulator and the sum cost 1 each. */
const newListCost = 10;

interface Element {
  readonly run: Run;
  /** The value, where it is the same in every round. */
  readonly constant?: CelValue;
}

function passes(value: CelValue): boolean {
  if (typeof value === 'boolean') return value;
  throw new CelError('no such overload');
}

/** `optMap` and the like: a name for a value, which is computed when it is first asked for. */
export function bind(slot: number, result: Run): Run {
  return (frame) => {
    frame.locals[slot] = undefined;
    return result(frame);
  };
}

import type { CelOverload } from '../contract.ts';
import { sizeOf } from '../library/cost-rules.ts';
import { type Binary, binaries, unaries } from '../standard/operators.ts';
import type { CelType } from '../type.ts';
import { CelError, type CelValue } from '../value.ts';
import type { Frame, Run } from './frame.ts';
import { accepts, typeOf } from './type-of.ts';

const compared = (a: CelValue, b: CelValue): number =>
  typeof a === 'object' || typeof a === 'string' ? Math.ceil(Math.min(sizeOf(a), sizeOf(b)) * 0.1) : 1;

/** An operator of two values. Where only the values tell the overload, it costs 1. */
export function binaryCall(name: string, overloads: readonly CelOverload[], left: Run, right: Run): Run | undefined {
  const operate = binaries.get(name);
  if (!operate) return undefined;
  const [overload] = overloads;
  if (name === '_==_' || name === '_!=_') return costing(operate, left, right, compared);
  if (overloads.length !== 1 || !overload?.cost) {
    return (frame) => {
      frame.cost += 1;
      const a = left(frame);
      return operate(a, right(frame));
    };
  }
  const { cost } = overload;
  return costing(operate, left, right, (a, b) => cost([a, b], null, true));
}

type Cost = (a: CelValue, b: CelValue) => number;

function costing(operate: Binary, left: Run, right: Run, cost: Cost): Run {
  return (frame) => {
    const a = left(frame);
    const b = right(frame);
    // Before it is done: what costs too much is not begun.
    frame.cost += cost(a, b);
    if (frame.cost > frame.limit) frame.step();
    return operate(a, b);
  };
}

export function unaryCall(name: string, operand: Run): Run | undefined {
  const operate = unaries.get(name);
  if (!operate) return undefined;
  return (frame) => {
    frame.cost += 1;
    return operate(operand(frame));
  };
}

/** Functions that do not say what they were given where it is nothing for them. */
const silent = new Set(['contains', 'startsWith', 'endsWith', 'matches']);

/** A call of a function: the first overload whose types the values have. */
export function functionCall(name: string, overloads: readonly CelOverload[], args: readonly Run[]): Run {
  const [first, second] = args;
  const known = overloads.length === 1;
  const only = overloads.length === 1 ? overloads[0] : undefined;
  if (only && args.length === 1 && first) return unaryOverload(name, only, first);
  if (only && args.length === 2 && first && second) return binaryOverload(name, only, first, second);
  return (frame) => {
    const values = args.map((each) => each(frame));
    const overload = overloads.find((each) => each.args.every((type, index) => accepts(type, values[index] ?? null)));
    if (!overload) throw noneFor(frame, name, values);
    const result = overload.implementation(...values);
    charge(frame, overload, values, result, known);
    return result;
  };
}

function charge(
  frame: Frame,
  overload: CelOverload,
  values: readonly CelValue[],
  result: CelValue,
  known: boolean,
): void {
  frame.cost += overload.cost ? overload.cost(values, result, known) : 1;
  if (frame.cost > frame.limit) frame.step();
}

function unaryOverload(name: string, overload: CelOverload, operand: Run): Run {
  const { implementation } = overload;
  const type: CelType | undefined = overload.args[0];
  return (frame) => {
    const value = operand(frame);
    if (type && !accepts(type, value)) throw noneFor(frame, name, [value]);
    const result = implementation(value);
    if (overload.cost) charge(frame, overload, [value], result, true);
    else frame.cost += 1;
    return result;
  };
}

function binaryOverload(name: string, overload: CelOverload, left: Run, right: Run): Run {
  const { implementation } = overload;
  const [leftType, rightType] = overload.args;
  return (frame) => {
    const a = left(frame);
    const b = right(frame);
    if ((leftType && !accepts(leftType, a)) || (rightType && !accepts(rightType, b)))
      throw noneFor(frame, name, [a, b]);
    const result = implementation(a, b);
    if (overload.cost) charge(frame, overload, [a, b], result, true);
    else frame.cost += 1;
    return result;
  };
}

function noneFor(frame: Frame, name: string, values: readonly CelValue[]): CelError {
  frame.cost += 1;
  if (silent.has(name)) return new CelError('no such overload');
  if (name === 'size') return new CelError('no such overload: size');
  return new CelError(`no such overload: ${name}(${values.map((each) => typeOf(each).name).join(', ')})`);
}

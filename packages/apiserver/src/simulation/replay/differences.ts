import type { Cause } from '@keelson/core';
import { groupBy } from '@keelson/core/machinery';
import { changesOf, sameWrite } from './compare-bodies.ts';
import type { RecordedCall, RecordedReconcile } from './history.ts';

/** Where an operator behaves otherwise than it did. */
export interface ReplayDifference {
  readonly controller: string;
  readonly key: string;
  /**
   * `missing`: it does not write what it wrote then; `extra`: it writes what it did not; `changed`: it writes something
   * else; `fails`: a reconcile fails as none did then.
   */
  readonly what: 'missing' | 'extra' | 'changed' | 'fails';
  /** Milliseconds since the epoch; of then, unless there was nothing. */
  readonly at: number;
  /** Why the reconcile ran. */
  readonly because: string;
  /** Such as `apply configmaps default/a`. */
  readonly recorded: string | undefined;
  readonly replayed: string | undefined;
  /** Fields that are written otherwise: `data.size: "1" → "2"`; all, where there is nothing to compare with. */
  readonly fields: readonly string[];
}

interface Step {
  readonly reconcile: RecordedReconcile;
  readonly call: RecordedCall;
}

/** So many writes of one key are held against each other; of more, what is the same first is not looked at again. */
const mostCompared = 1_000;

/**
 * Holds what reconciles wrote then against what they write now, key by key. That they are more or fewer does not matter,
 * as long as they write the same in the same order; when does not matter either.
 * @param until what happens after this is not compared: then, nobody looked any more
 */
export function differencesBetween(
  then: readonly RecordedReconcile[],
  now: readonly RecordedReconcile[],
  until: number,
): readonly ReplayDifference[] {
  const [before, after] = [byKey(then), byKey(now)];
  const found: ReplayDifference[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key) ?? [], after.get(key) ?? []];
    found.push(...ofWrites(was, is, until), ...ofFailures(was, is));
  }
  return found.sort((left, right) => left.at - right.at);
}

const byKey = (reconciles: readonly RecordedReconcile[]): ReadonlyMap<string, readonly RecordedReconcile[]> =>
  groupBy(reconciles, ({ trace }) => `${trace.controller} ${trace.key}`);

function ofWrites(
  was: readonly RecordedReconcile[],
  is: readonly RecordedReconcile[],
  until: number,
): readonly ReplayDifference[] {
  const [then, now] = [stepsOf(was), stepsOf(is)];
  const found: ReplayDifference[] = [];
  for (const { missing, extra } of gapsBetween(then, now)) {
    const left = [...extra];
    for (const each of missing.filter(({ call }) => call.request.at <= until)) {
      const alike = left.findIndex(({ call }) => call.text === each.call.text);
      const at = alike < 0 ? left.findIndex(({ call }) => objectOf(call) === objectOf(each.call)) : alike;
      const [instead] = at < 0 ? [] : left.splice(at, 1);
      found.push(difference(instead ? 'changed' : 'missing', each, instead));
    }
    for (const each of left) if (each.call.request.at <= until) found.push(difference('extra', undefined, each));
  }
  return found;
}

const stepsOf = (reconciles: readonly RecordedReconcile[]): readonly Step[] =>
  reconciles.flatMap((reconcile) =>
    reconcile.writes.filter(({ request }) => request.resource !== 'events').map((call) => ({ reconcile, call })),
  );

function difference(what: ReplayDifference['what'], then: Step | undefined, now: Step | undefined): ReplayDifference {
  const { reconcile, call } = then ?? now ?? missingBoth();
  const { controller, key, causes } = reconcile.trace;
  const sameVerb = !then || !now || then.call.text === now.call.text;
  return {
    controller,
    key,
    what,
    at: call.request.at,
    because: reasonOf(causes),
    recorded: then?.call.text,
    replayed: now?.call.text,
    // A patch and an update of the same say it in other forms.
    fields: sameVerb ? changesOf(then?.call.request.body ?? {}, now?.call.request.body ?? {}) : [],
  };
}

/** Without what is done to it. */
const objectOf = ({ text }: RecordedCall) => text.slice(text.indexOf(' ') + 1);

function missingBoth(): never {
  throw new Error('there is neither a write of then nor one of now');
}

function ofFailures(was: readonly RecordedReconcile[], is: readonly RecordedReconcile[]): readonly ReplayDifference[] {
  const known = new Set(was.flatMap(({ trace }) => textOf(trace.error)));
  const found: ReplayDifference[] = [];
  for (const { trace } of is) {
    for (const text of textOf(trace.error)) {
      if (known.has(text)) continue;
      known.add(text);
      const { controller, key, causes, endedAt } = trace;
      const because = reasonOf(causes);
      found.push({
        controller,
        key,
        what: 'fails',
        at: endedAt,
        because,
        recorded: undefined,
        replayed: text,
        fields: [],
      });
    }
  }
  return found;
}

const textOf = (error: unknown): readonly string[] => (error === undefined ? [] : [String(error)]);

interface Gap {
  readonly missing: Step[];
  readonly extra: Step[];
}

/** What lies between writes that are the same in both, in a longest such sequence. */
function gapsBetween(then: readonly Step[], now: readonly Step[]): readonly Gap[] {
  const same = (left: Step, right: Step) =>
    left.call.text === right.call.text && sameWrite(left.call.request.body, right.call.request.body);
  let start = 0;
  while (start < then.length && start < now.length && same(then[start]!, now[start]!)) start += 1;
  const [was, is] = [then.slice(start, start + mostCompared), now.slice(start, start + mostCompared)];
  const lengths = Array.from({ length: was.length + 1 }, () => new Uint16Array(is.length + 1));
  const alike = was.map((left) => is.map((right) => same(left, right)));
  for (let i = was.length - 1; i >= 0; i -= 1) {
    for (let j = is.length - 1; j >= 0; j -= 1) {
      const [row, below] = [lengths[i]!, lengths[i + 1]!];
      row[j] = alike[i]![j] ? below[j + 1]! + 1 : Math.max(below[j]!, row[j + 1]!);
    }
  }
  const gaps: Gap[] = [];
  let gap: Gap = { missing: [], extra: [] };
  let [i, j] = [0, 0];
  while (i < was.length || j < is.length) {
    if (i < was.length && j < is.length && alike[i]![j]) {
      gaps.push(gap);
      gap = { missing: [], extra: [] };
      i += 1;
      j += 1;
    } else if (j === is.length || (i < was.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      gap.missing.push(was[i]!);
      i += 1;
    } else {
      gap.extra.push(is[j]!);
      j += 1;
    }
  }
  return [...gaps, gap];
}

function reasonOf([first]: readonly Cause[]): string {
  if (!first) return 'nothing that is known';
  if (!('watch' in first)) return first.type === 'retry' ? 'it had failed before' : 'it had asked for it';
  if (!('object' in first)) return `a signal (${first.watch})`;
  return `${first.kind} ${first.object} was ${first.type}`;
}

import { expect, it } from 'vitest';
import type { Told } from './contract.ts';
import { Judge } from './judge.ts';
import { makePlan, proxyFaults } from './plan.ts';

const is = (count: number, uid = 'a'): Told => ({ type: 'is', key: 'ns/k', uid, count });
const gone = (count: number, uid = 'a'): Told => ({ type: 'gone', key: 'ns/k', uid, count });

it.each<[string, readonly Told[], Partial<Judge['counts']>]>([
  ['what comes in order', [is(1), is(2), is(5), gone(5), is(6, 'b')], { outOfOrder: 0, unseenDeletions: 0 }],
  ['the same state again', [is(1), is(1), gone(1), gone(1)], { outOfOrder: 0 }],
  ['a counter that goes back', [is(2), is(1)], { outOfOrder: 1 }],
  ['what comes back after its deletion', [is(2), gone(2), is(2)], { outOfOrder: 1 }],
  ['another object without a word about the first', [is(1), is(2, 'b')], { unseenDeletions: 1, outOfOrder: 0 }],
])('judges %s', (_, events, counts) => {
  const judge = new Judge();
  for (const each of events) judge.see(each);
  expect(judge.counts).toMatchObject({ told: events.length, ...counts });
});

it('compares what was told last with the truth', () => {
  const judge = new Judge();
  for (const [key, count] of Object.entries({ a: 1, b: 2, c: 3 })) judge.see({ type: 'is', key, uid: 'u', count });
  judge.see({ type: 'gone', key: 'd', uid: 'u', count: 4 });
  const at = (count: number) => ({ uid: 'u', count });
  expect(judge.compare({ a: at(1), b: at(2), c: at(3) })).toMatchObject({ missing: 0, stale: 0, extra: 0 });
  expect(judge.compare({ a: at(2), b: { uid: 'v', count: 2 }, d: at(4), e: at(1) })).toMatchObject({
    missing: 2,
    stale: 2,
    extra: 1,
  });
});

it('plans by its seed, every fault before any comes again', () => {
  const options = { events: 50_000, every: 1_000, seed: 7, restartEvery: 10 };
  const plan = makePlan(options);
  expect(makePlan(options)).toEqual(plan);
  expect(makePlan({ ...options, seed: 8 })).not.toEqual(plan);
  const faults = plan.map(({ fault }) => fault);
  expect(faults.filter((each) => each === 'restart').length).toBe(Math.floor(plan.length / 10));
  const kinds = Object.keys(proxyFaults).length;
  const first = faults.filter((each) => each !== 'restart').slice(0, kinds);
  expect(new Set(first).size).toBe(kinds);
  expect(plan.every(({ at, which }) => at < 50_000 && which >= 0 && which < 1)).toBe(true);
});

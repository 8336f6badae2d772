import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeClock } from '../testing/index.ts';
import { type Priority, WorkQueue } from './work-queue.ts';

const lanes: readonly Priority[] = ['high', 'normal', 'low'];
const capacity = 6;

/** The queue as it is described, without a thought for speed. */
class Model {
  readonly waiting = new Map<string, number>();
  readonly working = new Map<string, number | undefined>();
  readonly due = new Map<string, number>();
  readonly failures = new Map<string, number>();
  /** By lane: keys of better ones that were taken since it had a turn, while something waited in it. */
  readonly passedOver = [0, 0, 0];
  refusing = false;
  room = 0;
  shut = false;

  add(key: string, lane = 1): boolean {
    if (this.shut) return false;
    const before = this.waiting.get(key);
    if (before !== undefined) this.waiting.set(key, Math.min(before, lane));
    else if (this.working.has(key)) this.working.set(key, Math.min(this.working.get(key) ?? lane, lane));
    else if (this.waiting.size < capacity) this.waiting.set(key, lane);
    else {
      this.refusing = true;
      return false;
    }
    return true;
  }

  addAt(key: string, at: number): boolean {
    if (this.shut) return false;
    const before = this.due.get(key);
    if (before === undefined && this.due.size >= capacity) {
      this.refusing = true;
      return false;
    }
    this.due.set(key, Math.min(before ?? at, at));
    return true;
  }

  take(key: string): void {
    const lane = this.waiting.get(key);
    expect(lane, `${key} waits`).toBeDefined();
    expect(this.working.has(key), `${key} is worked on already`).toBe(false);
    this.waiting.delete(key);
    this.working.set(key, undefined);
    this.passedOver[lane ?? 0] = 0;
    for (const worse of [0, 1, 2].filter((each) => each > (lane ?? 0))) {
      const waits = [...this.waiting.values()].includes(worse);
      this.passedOver[worse] = waits ? (this.passedOver[worse] ?? 0) + 1 : 0;
      expect(this.passedOver[worse], `${lanes[worse]} keys are starved`).toBeLessThanOrEqual(10);
    }
  }

  done(key: string): void {
    const again = this.working.get(key);
    this.working.delete(key);
    if (again !== undefined && !this.shut) this.waiting.set(key, again);
  }

  tellOfRoom(): void {
    if (!this.refusing || this.waiting.size > capacity / 2 || this.due.size > capacity / 2) return;
    this.refusing = false;
    this.room += 1;
  }

  passed(now: number): void {
    for (const [key, at] of [...this.due].toSorted(([, left], [, right]) => left - right)) {
      if (at > now) return;
      this.due.delete(key);
      this.add(key);
    }
  }
}

const key = fc.integer({ min: 0, max: 8 }).map((each) => `${each % 3}/${each}`);
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('add' as const), key, lane: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('later' as const), key, ms: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('hasten' as const), key }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom('done' as const, 'fail' as const), nth: fc.nat(5) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constantFrom('take' as const, 'wait' as const, 'give up' as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('time' as const), ms: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('shut' as const, 'forget' as const), nth: fc.nat(40) }) },
);

it('is as its model is, whatever comes in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 120 }), async (operations) => {
      const clock = new FakeClock();
      const model = new Model();
      let told = 0;
      // No two moments are the same: the order of what falls due at once is nobody's business.
      let moment = 0;
      const apart = () => ++moment / 1_024;
      const q = new WorkQueue({ clock, random: () => 1, capacity, firstBackOffMs: 4, onRoom: () => (told += 1) });
      const getters: { readonly abort: AbortController; got?: string | undefined; ended?: true }[] = [];
      const open = () => getters.filter((each) => !each.ended);
      /** Whoever waited has by now what there was. */
      const settled = async () => {
        await clock.advance(0);
        for (const each of getters.splice(0)) {
          if (!each.ended) getters.push(each);
          else if (each.got !== undefined) model.take(each.got);
        }
      };
      const check = () => {
        const depth = (lane: number) => [...model.waiting.values()].filter((each) => each === lane).length;
        expect(q.metrics).toMatchObject({
          depth: model.waiting.size,
          depthOf: { high: depth(0), normal: depth(1), low: depth(2) },
          delayed: model.due.size,
          processing: model.working.size,
        });
        expect(told).toBe(model.room);
        if (open().length > 0) expect(q.length).toBe(0);
      };
      for (const each of operations) {
        if (each.op === 'add') expect(q.add(each.key, lanes[each.lane])).toBe(model.add(each.key, each.lane));
        else if (each.op === 'later') {
          const ms = each.ms + apart();
          expect(q.addAfter(each.key, ms)).toBe(model.addAt(each.key, clock.now() + ms));
        } else if (each.op === 'hasten') {
          const waits = model.due.delete(each.key);
          expect(q.hasten(each.key)).toBe(waits && model.add(each.key));
        } else if (each.op === 'take') {
          const taken = q.tryGet();
          if (taken === undefined) expect(model.waiting.size).toBe(0);
          else model.take(taken);
        } else if (each.op === 'wait') {
          const getter: (typeof getters)[number] = { abort: new AbortController() };
          getters.push(getter);
          void q.get(getter.abort.signal).then((got) => Object.assign(getter, { got, ended: true }));
        } else if (each.op === 'give up') open()[0]?.abort.abort();
        else if (each.op === 'done' || each.op === 'fail') {
          const taken = [...model.working.keys()][each.nth % Math.max(1, model.working.size)];
          if (taken !== undefined) {
            if (each.op === 'fail') {
              const failures = model.failures.get(taken) ?? 0;
              model.failures.set(taken, failures + 1);
              const ms = apart();
              q.addAfter(taken, 4 * 2 ** failures + ms);
              model.addAt(taken, clock.now() + 4 * 2 ** failures + ms);
            }
            q.done(taken);
            model.done(taken);
            model.tellOfRoom();
          }
        } else if (each.op === 'time') {
          await clock.advance(each.ms);
          model.passed(clock.now());
        } else if (each.op === 'shut' && each.nth === 0 && !model.shut) {
          q.shutDown();
          model.shut = true;
          model.waiting.clear();
          model.due.clear();
          for (const working of model.working.keys()) model.working.set(working, undefined);
        }
        await settled();
        check();
      }
      // All that is owed comes out in the end.
      await clock.advance(1_000_000);
      model.passed(clock.now());
      await settled();
      for (const each of open()) each.abort.abort();
      await settled();
      for (let turn = 0; model.waiting.size + model.working.size > 0; turn += 1) {
        expect(turn).toBeLessThan(200);
        for (const working of [...model.working.keys()]) {
          q.done(working);
          model.done(working);
          model.tellOfRoom();
        }
        const taken = q.tryGet();
        if (taken !== undefined) model.take(taken);
      }
      expect(told).toBe(model.room);
      await q.drained();
    }),
    { numRuns: 300 },
  );
});

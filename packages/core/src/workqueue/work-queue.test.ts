import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/index.ts';
import { DelayHeap } from './delay-heap.ts';
import { WorkQueue } from './work-queue.ts';

const queue = (clock = new FakeClock()) => new WorkQueue({ clock, random: () => 1 });
const take = (from: WorkQueue, count: number) => Array.from({ length: count }, () => from.tryGet());

describe('WorkQueue', () => {
  it('queues a waiting key once, and hands keys out in order', () => {
    const q = queue();
    for (const key of ['a', 'b', 'a', 'c', 'b']) q.add(key);
    expect(q.length).toBe(3);
    expect(take(q, 4)).toEqual(['a', 'b', 'c', undefined]);
  });

  it('does not hand out a key that is worked on, and queues it once more when it was added meanwhile', () => {
    const q = queue();
    q.add('a');
    expect(q.tryGet()).toBe('a');
    q.add('a');
    q.add('a');
    expect(q.tryGet()).toBeUndefined();
    q.done('a');
    expect(take(q, 2)).toEqual(['a', undefined]);
    q.done('a');
    expect(q.tryGet()).toBeUndefined();
    expect(q.metrics).toEqual({
      depth: 0,
      depthOf: { high: 0, normal: 0, low: 0 },
      delayed: 0,
      processing: 0,
      adds: 3,
      queued: 2,
      postponed: 0,
      dones: 2,
      retries: 0,
      refused: 0,
    });
  });

  it('gives a waiting worker the key at once, and nothing after the shut-down', async () => {
    const q = queue();
    const first = q.get();
    const second = q.get();
    q.add('a');
    expect(await first).toBe('a');
    q.shutDown();
    expect(await second).toBeUndefined();
    expect(await q.get()).toBeUndefined();
    q.add('b');
    expect(q.length).toBe(0);
    let drained = false;
    const drain = q.drained().then(() => {
      drained = true;
    });
    await Promise.resolve();
    expect(drained).toBe(false);
    q.done('a');
    await drain;
  });

  it('prefers normal keys to low ones, promotes, and never starves the low', () => {
    const q = queue();
    for (let each = 0; each < 4; each += 1) q.add(`low${each}`, 'low');
    for (let each = 0; each < 20; each += 1) q.add(`n${each}`);
    q.add('low3');
    q.add('low2', 'low');
    const order = take(q, 24);
    expect(order.slice(0, 8)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7']);
    expect(order[8]).toBe('low0');
    expect(order[17]).toBe('low1');
    expect(order.indexOf('low3')).toBeLessThan(order.indexOf('low2'));
    expect(new Set(order).size).toBe(24);
    expect(q.tryGet()).toBeUndefined();
  });

  it('takes the namespaces in turn', () => {
    const q = queue();
    for (let each = 0; each < 1_000; each += 1) q.add(`big/${each}`, 'low');
    q.add('small/a', 'low');
    q.add('node-1', 'low');
    q.add('small/b', 'low');
    expect(take(q, 6)).toEqual(['big/0', 'small/a', 'node-1', 'big/1', 'small/b', 'big/2']);
    expect(q.length).toBe(997);
  });

  it('hands out what a user changed at once, with fifty thousand keys waiting, and these keep moving', () => {
    const q = queue();
    for (let each = 0; each < 50_000; each += 1) q.add(`ns-${each % 7}/${each}`, 'low');
    q.add('ns-1/49995');
    q.add('ns-3/9', 'high');
    expect(take(q, 3)).toEqual(['ns-3/9', 'ns-1/49995', 'ns-0/0']);
    let low = 0;
    for (let each = 0; each < 9_000; each += 1) {
      q.add(`busy/${each}`, each % 2 === 0 ? 'high' : 'normal');
      if (!q.tryGet()?.startsWith('busy/')) low += 1;
    }
    expect(low).toBe(1_000);
  });

  it('refuses what there is no room for, and says when there is again', async () => {
    const clock = new FakeClock();
    let room = 0;
    const q = new WorkQueue({ clock, random: () => 1, capacity: 4, onRoom: () => (room += 1) });
    expect(['a', 'b', 'c', 'd', 'e', 'a'].map((key) => q.add(key))).toEqual([true, true, true, true, false, true]);
    expect(['f', 'g', 'h', 'i', 'j', 'f'].map((key) => q.addAfter(key, 10))).toEqual([
      true,
      true,
      true,
      true,
      false,
      true,
    ]);
    await clock.advance(10);
    expect(q.metrics).toMatchObject({ depth: 4, delayed: 0, refused: 6 });
    for (const key of take(q, 2)) if (key !== undefined) q.done(key);
    expect(room).toBe(1);
    for (const key of take(q, 2)) if (key !== undefined) q.done(key);
    expect(room).toBe(1);
  });

  it('tells how long a key has waited, and how urgent it was', async () => {
    const clock = new FakeClock();
    const q = queue(clock);
    q.add('a', 'low');
    await clock.advance(20);
    q.add('a', 'high');
    await clock.advance(10);
    q.tryGet();
    expect(q.taken('a')).toEqual({ addedAt: clock.now() - 30, takenAt: clock.now(), priority: 'high' });
    expect(q.taken('b')).toBeUndefined();
  });

  it('adds later, the earliest request for a key counting', async () => {
    const clock = new FakeClock();
    const q = queue(clock);
    q.addAfter('a', 100);
    q.addAfter('a', 50);
    q.addAfter('a', 500);
    q.addAfter('b', 75);
    q.addAfter('now', 0);
    expect(take(q, 2)).toEqual(['now', undefined]);
    await clock.advance(50);
    expect(take(q, 2)).toEqual(['a', undefined]);
    q.done('a');
    await clock.advance(25);
    expect(take(q, 2)).toEqual(['b', undefined]);
    await clock.advance(1_000);
    expect(q.tryGet()).toBeUndefined();
    expect(q.metrics.delayed).toBe(0);
  });

  it('backs off from 5 ms to 1,000 s, and starts anew once a key went well', async () => {
    const clock = new FakeClock();
    const q = queue(clock);
    expect([0, 1, 2, 10, 17, 18, 60].map((each) => q.backOffMs(each))).toEqual([
      5, 10, 20, 5_120, 655_360, 1_000_000, 1_000_000,
    ]);
    q.retry('a');
    q.retry('b');
    await clock.advance(5);
    expect(take(q, 2)).toEqual(['a', 'b']);
    q.done('a');
    q.retry('a');
    expect(q.failures('a')).toBe(2);
    q.forget('a');
    expect(q.failures('a')).toBe(0);
  });

  it('loses no key and gives none to two workers, whatever happens in between', async () => {
    const operation = fc.oneof(
      fc.record({
        op: fc.constantFrom('add', 'addLow', 'addHigh', 'later', 'retry', 'done'),
        key: fc.integer({ min: 0, max: 5 }).map(String),
      }),
      fc.record({ op: fc.constantFrom('get', 'tick'), key: fc.constant('') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 80 }), async (operations) => {
        const clock = new FakeClock();
        const q = queue(clock);
        const working = new Set<string>();
        /** Keys added since they were last handed out. */
        const owed = new Set<string>();
        const get = () => {
          const key = q.tryGet();
          if (key === undefined) return false;
          expect(working.has(key)).toBe(false);
          working.add(key);
          owed.delete(key);
          return true;
        };
        for (const { op, key } of operations) {
          if (op === 'get') get();
          else if (op === 'tick') await clock.advance(7);
          else if (op === 'done') {
            if (working.delete(key)) q.done(key);
          } else {
            owed.add(key);
            if (op === 'add') q.add(key);
            else if (op === 'addLow') q.add(key, 'low');
            else if (op === 'addHigh') q.add(key, 'high');
            else if (op === 'later') q.addAfter(key, 10);
            else q.retry(key);
          }
        }
        await clock.advance(2_000_000);
        for (const key of working) q.done(key);
        working.clear();
        while (get());
        expect([...owed]).toEqual([]);
        expect(q.length).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

it('DelayHeap gives back in order of time', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_000 })), (times) => {
      const heap = new DelayHeap<string>();
      for (const at of times) heap.push({ at, key: String(at) });
      const out = times.map(() => heap.pop()?.at);
      expect(out).toEqual(times.toSorted((left, right) => left - right));
      expect(heap.pop()).toBeUndefined();
    }),
  );
});

it('DelayHeap keeps what is wanted, still in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_000 })), fc.integer({ min: 1, max: 5 }), (times, of) => {
      const heap = new DelayHeap<string>();
      for (const at of times) heap.push({ at, key: String(at) });
      heap.retain(({ at }) => at % of === 0);
      const kept = times.filter((at) => at % of === 0).toSorted((left, right) => left - right);
      expect(kept.map(() => heap.pop()?.at)).toEqual(kept);
      expect(heap.size).toBe(0);
    }),
  );
});

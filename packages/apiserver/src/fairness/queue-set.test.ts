import { FakeClock } from '@keelson/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QueuedRequest, QueueSet, type QueueSetConfig } from './queue-set.ts';
import { dealHand } from './shuffle-sharding.ts';
import { oneSeat, type WorkEstimate } from './work-estimate.ts';

const subject = {
  user: { name: 'a', groups: [] },
  info: { isResource: false, verb: 'get', path: '/' },
} as const;
const wide = (initialSeats: number): WorkEstimate => ({ initialSeats, finalSeats: 0, additionalMs: 0 });

/** A queue set whose requests are done when the test says so. */
class Bench {
  readonly clock = new FakeClock();
  readonly set: QueueSet;
  readonly order: string[] = [];
  readonly refused: string[] = [];
  readonly #running = new Map<string, QueuedRequest>();
  #count = 0;
  asked = 0;

  constructor(config: Partial<QueueSetConfig>, limit: number) {
    const whole = { queues: 16, handSize: 4, queueLengthLimit: 1000, ...config };
    this.set = new QueueSet(this.clock, whole, limit, (seats) => {
      this.asked = seats;
    });
  }

  get running(): readonly QueuedRequest[] {
    return [...this.#running.values()];
  }

  arrive(flow: string, work: WorkEstimate = oneSeat): QueuedRequest | undefined {
    const name = `${flow}${this.#count++}`;
    const request = this.set.arrive('schema', flow, work, subject);
    if (typeof request === 'string') {
      this.refused.push(request);
      return undefined;
    }
    const begin = () => {
      this.order.push(name);
      this.#running.set(name, request);
    };
    if (request.state === 'waiting') request.decided = begin;
    else begin();
    return request;
  }

  finish(at: number): void {
    const names = [...this.#running.keys()];
    const name = names[at % names.length];
    const request = name !== undefined && this.#running.get(name);
    if (!request) return;
    this.#running.delete(name);
    this.set.finish(request);
  }

  async drain(): Promise<void> {
    while (this.#running.size > 0 || this.set.waiting > 0) {
      await this.clock.advance(1);
      this.finish(0);
    }
  }
}

describe('QueueSet', () => {
  it('gives a mouse its turn while an elephant waits, however many it is', async () => {
    const bench = new Bench({}, 2);
    for (let each = 0; each < 200; each++) bench.arrive('elephant');
    bench.arrive('mouse');
    await bench.drain();
    expect(bench.order.findIndex((each) => each.startsWith('mouse'))).toBeLessThan(10);
    expect(bench.asked).toBe(0);
  });

  it('lets what is wider than all seats run alone, and nobody pass it by for long', async () => {
    const bench = new Bench({}, 4);
    bench.arrive('a');
    bench.arrive('b', wide(9));
    for (let each = 0; each < 200; each++) bench.arrive('a');
    for (let each = 0; each < 20; each++) {
      await bench.clock.advance(3);
      bench.finish(0);
    }
    expect(bench.order).toContain('b1');
    await bench.drain();
    expect(bench.order).toHaveLength(202);
  });

  it('refuses what finds its queue full, or no seat where there are no queues', () => {
    const bench = new Bench({ queues: 1, handSize: 1, queueLengthLimit: 2 }, 1);
    for (let each = 0; each < 4; each++) bench.arrive('a');
    expect(bench.refused).toEqual(['queue-full']);
    const none = new Bench({ queues: 0 }, 1);
    none.arrive('a');
    none.arrive('b');
    expect(none.refused).toEqual(['concurrency-limit']);
    // As Kubernetes: even a level without a seat serves one after the other.
    const empty = new Bench({ queues: 0 }, 0);
    empty.arrive('a');
    expect(empty.order).toEqual(['a0']);
  });

  it('holds the seats of a write until the events for those who watch are sent', async () => {
    const bench = new Bench({}, 4);
    bench.arrive('a', { initialSeats: 1, finalSeats: 3, additionalMs: 10 });
    expect(bench.set.seatsInUse).toBe(3);
    bench.finish(0);
    expect(bench.set.seatsInUse).toBe(3);
    await bench.clock.advance(10);
    expect([bench.set.seatsInUse, bench.asked, bench.set.queues.size]).toEqual([0, 0, 0]);
  });

  it('forgets who goes', () => {
    const bench = new Bench({}, 1);
    bench.arrive('a');
    const gone = bench.arrive('b');
    bench.arrive('c');
    expect(gone && bench.set.remove(gone)).toBe(true);
    expect(gone && bench.set.remove(gone)).toBe(false);
    bench.finish(0);
    expect(bench.order).toEqual(['a0', 'c2']);
  });

  it('goes on when it gets more seats', () => {
    const bench = new Bench({}, 1);
    for (let each = 0; each < 5; each++) bench.arrive('a');
    bench.set.setLimit(4);
    expect(bench.order).toHaveLength(4);
  });

  const step = fc.oneof(
    fc.record({
      type: fc.constant('arrive' as const),
      flow: fc.nat({ max: 5 }),
      seats: fc.integer({ min: 1, max: 6 }),
    }),
    fc.record({ type: fc.constant('finish' as const), at: fc.nat({ max: 20 }) }),
    fc.record({ type: fc.constant('pass' as const), ms: fc.nat({ max: 50 }) }),
    fc.record({ type: fc.constant('limit' as const), seats: fc.integer({ min: 1, max: 8 }) }),
  );

  it('never gives more seats than there are, keeps the order in a queue, and serves everybody in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 8 }), async (steps, limit) => {
        const bench = new Bench({ queues: 8, handSize: 2 }, limit);
        const taken: QueuedRequest[] = [];
        let lowered = false;
        for (const each of steps) {
          if (each.type === 'arrive') {
            const request = bench.arrive(`f${each.flow}-`, wide(each.seats));
            if (request) taken.push(request);
          } else if (each.type === 'finish') bench.finish(each.at);
          else if (each.type === 'pass') await bench.clock.advance(each.ms);
          else {
            lowered ||= each.seats < bench.set.limit;
            bench.set.setLimit(each.seats);
          }
          const inUse = bench.running.reduce((sum, { seats }) => sum + seats, 0);
          expect(bench.set.seatsInUse).toBe(inUse);
          if (!lowered && bench.running.length > 1) expect(inUse).toBeLessThanOrEqual(bench.set.limit);
          expect(bench.asked).toBe(inUse + bench.set.seatsWaiting);
          // Never a free seat while somebody could take it.
          if (bench.set.waiting > 0) expect(bench.running.length).toBeGreaterThan(0);
        }
        await bench.drain();
        expect(taken.every(({ state }) => state === 'done')).toBe(true);
        expect(bench.set.queues.size).toBe(0);
        for (const queue of new Set(taken.map(({ queue }) => queue?.index))) {
          const inQueue = taken.filter((each) => each.queue?.index === queue);
          const started = inQueue.map(({ started }) => started);
          expect(started).toEqual([...started].sort((a, b) => a - b));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('shares seats evenly between flows that always want more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 8 }), async (many, seats) => {
        const bench = new Bench({ queues: 64, handSize: 6 }, seats);
        const hand = dealHand('schema', 'a', 64, 6);
        const other = ['b', 'c', 'd', 'e', 'f', 'g'].find(
          (each) => !dealHand('schema', each, 64, 6).some((card) => hand.includes(card)),
        );
        if (other === undefined) throw new Error('all hands share a queue');
        // One sends many times as much as the other.
        for (let each = 0; each < 60; each++) {
          for (let more = 0; more < many; more++) bench.arrive('a');
          bench.arrive(other);
        }
        const served = () => bench.order.filter((each) => each.startsWith(other)).length / bench.order.length;
        for (let each = 0; each < 60; each++) {
          await bench.clock.advance(5);
          bench.finish(0);
        }
        // Six queues each: one that has fewer waiting is not served less often.
        expect(served()).toBeGreaterThan(0.35);
      }),
      { numRuns: 20 },
    );
  });
});

describe('dealHand', () => {
  it('deals different queues, always the same to the same flow', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 10 }),
        (a, b, queues, size) => {
          const hand = dealHand(a, b, queues, size);
          expect(hand).toEqual(dealHand(a, b, queues, size));
          expect(new Set(hand).size).toBe(Math.min(size, queues));
          expect(hand.every((each) => each >= 0 && each < queues)).toBe(true);
        },
      ),
    );
  });

  it('hardly ever deals the same hand twice, and all queues about as often', () => {
    const counts = new Array<number>(64).fill(0);
    const hands = new Set<string>();
    for (let each = 0; each < 5000; each++) {
      const hand = dealHand('service-accounts', `system:serviceaccount:ns-${each}:default`, 64, 6);
      for (const card of hand) counts[card] = (counts[card] ?? 0) + 1;
      hands.add([...hand].sort().join());
    }
    expect(hands.size).toBeGreaterThan(4990);
    const mean = (5000 * 6) / 64;
    for (const count of counts) expect(Math.abs(count - mean)).toBeLessThan(mean * 0.25);
  });
});

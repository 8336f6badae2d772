import type { Clock, Random } from '../machinery/index.ts';
import { DelayHeap } from './delay-heap.ts';
import { Fifo } from './fifo.ts';

/** `low` waits behind everything else, yet is never starved: one in `lowShare` keys taken is a low one while both wait. */
export type Priority = 'normal' | 'low';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Back-off after the first failure of a key, in milliseconds; doubles at each further one. Default 5. */
  readonly firstBackOffMs?: number;
  /** Default 1,000,000 (about 17 minutes). */
  readonly longestBackOffMs?: number;
}

/** Counters since the queue was made, and its present sizes. */
export interface WorkQueueMetrics {
  readonly depth: number;
  readonly delayed: number;
  readonly processing: number;
  readonly adds: number;
  readonly dones: number;
  readonly retries: number;
}

const queuedNormal = 1;
const queuedLow = 2;
const processing = 4;
/** Added again while being processed. */
const againNormal = 8;
const againLow = 16;

const lowShare = 8;

/**
 * Keys to work on. A key that waits is not queued twice; a key that is worked on is not handed out a second time, but
 * queued once more when done if it was added meanwhile.
 */
export class WorkQueue<K = string> {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #firstBackOffMs: number;
  readonly #longestBackOffMs: number;
  readonly #states = new Map<K, number>();
  readonly #normal = new Fifo<K>();
  readonly #low = new Fifo<K>();
  /** Entries of `#low` whose key was promoted since. */
  #stale = 0;
  #sinceLow = 0;
  #depth = 0;
  #processing = 0;
  readonly #failures = new Map<K, number>();
  readonly #delays = new DelayHeap<K>();
  readonly #dueAt = new Map<K, number>();
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;
  readonly #getters = new Fifo<(key: K | undefined) => void>();
  readonly #drained = new Set<() => void>();
  #adds = 0;
  #dones = 0;
  #retries = 0;
  #shut = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#firstBackOffMs = options.firstBackOffMs ?? 5;
    this.#longestBackOffMs = options.longestBackOffMs ?? 1_000_000;
  }

  /** Keys that wait for a worker. */
  get length(): number {
    return this.#depth;
  }

  get metrics(): WorkQueueMetrics {
    return {
      depth: this.#depth,
      delayed: this.#dueAt.size,
      processing: this.#processing,
      adds: this.#adds,
      dones: this.#dones,
      retries: this.#retries,
    };
  }

  add(key: K, priority: Priority = 'normal'): void {
    if (this.#shut) return;
    this.#adds += 1;
    const state = this.#states.get(key) ?? 0;
    if (state & processing) {
      this.#states.set(
        key,
        priority === 'normal' ? (state & ~againLow) | againNormal : state & againNormal ? state : state | againLow,
      );
      return;
    }
    if (state === queuedNormal || (state === queuedLow && priority === 'low')) return;
    if (state === queuedLow) {
      this.#stale += 1;
      this.#depth -= 1;
    }
    this.#enqueue(key, priority);
  }

  /** Adds the key when `ms` have passed; the earliest of several such requests counts. */
  addAfter(key: K, ms: number): void {
    if (this.#shut) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.now() + ms;
    const due = this.#dueAt.get(key);
    if (due !== undefined && due <= at) return;
    this.#dueAt.set(key, at);
    this.#delays.push({ at, key });
    this.#arm();
  }

  /** Adds the key after the back-off that its failures in a row call for. */
  retry(key: K): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#retries += 1;
    this.addAfter(key, this.backOffMs(failures));
  }

  /** The key went well: its next failure is a first one. */
  forget(key: K): void {
    this.#failures.delete(key);
  }

  failures(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Half of the exponential value for certain, the other half by chance, so that keys that failed together part. */
  backOffMs(failures: number): number {
    const exponential = Math.min(this.#longestBackOffMs, this.#firstBackOffMs * 2 ** Math.min(failures, 40));
    return exponential * (0.5 + 0.5 * this.#random());
  }

  /** A key to work on, now. Whoever takes it calls `done`. */
  tryGet(): K | undefined {
    if (this.#shut || this.#depth === 0) return undefined;
    const normal = this.#normal;
    for (;;) {
      const fromLow = normal.length === 0 || (this.#low.length > 0 && this.#sinceLow >= lowShare);
      const key = (fromLow ? this.#low : normal).shift();
      if (key === undefined) {
        if (normal.length === 0 && this.#low.length === 0) return undefined;
        continue;
      }
      const state = this.#states.get(key);
      if (fromLow) {
        if (state !== queuedLow) {
          this.#stale -= 1;
          continue;
        }
        this.#sinceLow = 0;
      } else {
        this.#sinceLow += 1;
      }
      this.#states.set(key, processing);
      this.#depth -= 1;
      this.#processing += 1;
      return key;
    }
  }

  /** The next key, as soon as there is one; `undefined` once the queue is shut down. */
  get(): Promise<K | undefined> {
    const key = this.tryGet();
    if (key !== undefined || this.#shut) return Promise.resolve(key);
    return new Promise((resolve) => this.#getters.push(resolve));
  }

  /** Work on the key has ended, well or not. */
  done(key: K): void {
    const state = this.#states.get(key);
    if (state === undefined || !(state & processing)) return;
    this.#dones += 1;
    this.#processing -= 1;
    this.#states.delete(key);
    if (state & (againNormal | againLow) && !this.#shut) this.#enqueue(key, state & againNormal ? 'normal' : 'low');
    if (this.#processing === 0 && this.#drained.size > 0) {
      for (const resolve of this.#drained) resolve();
      this.#drained.clear();
    }
  }

  /** Nothing more is taken in or handed out; what waits is dropped. */
  shutDown(): void {
    this.#shut = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#delays.clear();
    this.#dueAt.clear();
    this.#normal.clear();
    this.#low.clear();
    this.#depth = 0;
    this.#failures.clear();
    for (let getter = this.#getters.shift(); getter; getter = this.#getters.shift()) getter(undefined);
  }

  /** Resolves when nothing is being worked on. */
  drained(): Promise<void> {
    if (this.#processing === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.add(resolve));
  }

  #enqueue(key: K, priority: Priority): void {
    this.#depth += 1;
    if (priority === 'normal') {
      this.#states.set(key, queuedNormal);
      this.#normal.push(key);
    } else {
      this.#states.set(key, queuedLow);
      this.#low.push(key);
      if (this.#stale > 4_096 && this.#stale * 2 > this.#low.length) this.#dropStale();
    }
    const getter = this.#getters.shift();
    if (getter) getter(this.tryGet());
  }

  #dropStale(): void {
    const seen = new Set<K>();
    this.#low.retain((key) => {
      if (this.#states.get(key) !== queuedLow || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
    this.#stale = 0;
  }

  #arm(): void {
    const next = this.#delays.peek();
    if (next === undefined || (this.#timer && this.#timer.at <= next.at)) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(next.at - this.#clock.now(), () => {
      this.#timer = undefined;
      this.#release();
    });
    this.#timer = { at: next.at, cancel };
  }

  #release(): void {
    const now = this.#clock.now();
    for (let next = this.#delays.peek(); next && next.at <= now; next = this.#delays.peek()) {
      this.#delays.pop();
      // Of several deadlines for a key only the earliest counts; the later ones are left-overs.
      if (this.#dueAt.get(next.key) !== next.at) continue;
      this.#dueAt.delete(next.key);
      this.add(next.key);
    }
    this.#arm();
  }
}

import type { Clock, Random } from '../machinery/index.ts';
import { DelayHeap } from './delay-heap.ts';
import { FairLane } from './fair-lane.ts';
import { Fifo } from './fifo.ts';

/**
 * Which keys go first. None is starved: whatever waits behind better ones gets one turn in nine, so that a key's wait is
 * bounded by what stood before it in its own lane.
 */
export type Priority = 'high' | 'normal' | 'low';

/** Bounds and back-off of a queue, and the time and chance that it goes by. */
export interface WorkQueueOptions<K = string> {
  readonly clock: Clock;
  readonly random: Random;
  /** Back-off after the first failure of a key, in milliseconds; doubles at each further one. Default 5. */
  readonly firstBackOffMs?: number;
  /** Default 1,000,000 (about 17 minutes). */
  readonly longestBackOffMs?: number;
  /** Keys of one group are taken in turn with those of others. Default: what stands before the slash, the namespace. */
  readonly groupOf?: (key: K) => string;
  /** Keys that may wait, at once or for their time. More are refused. Default 1,000,000. */
  readonly capacity?: number;
  /** Called when keys were refused and half of the capacity is free again: whoever adds keys may begin anew. */
  readonly onRoom?: () => void;
}

/** Counters since the queue was made, and its present sizes. */
export interface WorkQueueMetrics {
  readonly depth: number;
  readonly depthOf: Readonly<Record<Priority, number>>;
  readonly delayed: number;
  readonly processing: number;
  readonly adds: number;
  /** Adds of keys that did not wait already. */
  readonly queued: number;
  /** Keys that were added for later, retries among them. */
  readonly postponed: number;
  readonly dones: number;
  readonly retries: number;
  /** Adds for which there was no room. */
  readonly refused: number;
}

/** A key that is worked on. */
export interface TakenKey {
  /** When it was added, and when it was handed out; milliseconds since the epoch. */
  readonly addedAt: number;
  readonly takenAt: number;
  readonly priority: Priority;
}

/** A key that waits for a worker, or for its time. */
export type WaitingKey<K = string> =
  | { readonly key: K; readonly priority: Priority }
  /** Milliseconds since the epoch. */
  | { readonly key: K; readonly dueAt: number };

const priorities: readonly Priority[] = ['high', 'normal', 'low'];
const laneOf: Readonly<Record<Priority, number>> = { high: 0, normal: 1, low: 2 };
const nowhere = 3;
/** So many keys of better lanes, and one of a lane that waits behind them gets its turn. */
const turnAfter = 8;
const mostStale = 4_096;

interface Entry<K> {
  readonly key: K;
  readonly group: string;
  /** Where it waits; `nowhere` while it is worked on. An entry that is found in another lane has left that one. */
  lane: number;
  /** The lane to which it was added again while it is worked on. */
  again: number;
  /** The lane from which it was taken. */
  from: number;
  addedAt: number;
  takenAt: number;
}

/**
 * Keys to work on. A key that waits is not queued twice; a key that is worked on is not handed out a second time, but
 * queued once more when done if it was added meanwhile.
 */
export class WorkQueue<K = string> {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #firstBackOffMs: number;
  readonly #longestBackOffMs: number;
  readonly #groupOf: (key: K) => string;
  readonly #capacity: number;
  readonly #onRoom: () => void;
  readonly #entries = new Map<K, Entry<K>>();
  readonly #lanes = priorities.map(() => new FairLane<Entry<K>>());
  /** By lane: entries whose key waits elsewhere by now. */
  readonly #stale = [0, 0, 0];
  /** By lane: keys taken from better ones since its last turn, while it waited. */
  readonly #passedOver = [0, 0, 0];
  #depth = 0;
  #processing = 0;
  #refusing = false;
  readonly #failures = new Map<K, number>();
  readonly #delays = new DelayHeap<K>();
  readonly #dueAt = new Map<K, number>();
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;
  readonly #getters = new Fifo<(key: K | undefined) => void>();
  readonly #drained = new Set<() => void>();
  #adds = 0;
  #queued = 0;
  #postponed = 0;
  #dones = 0;
  #retries = 0;
  #refused = 0;
  #shut = false;

  constructor(options: WorkQueueOptions<K>) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#firstBackOffMs = options.firstBackOffMs ?? 5;
    this.#longestBackOffMs = options.longestBackOffMs ?? 1_000_000;
    this.#groupOf = options.groupOf ?? namespaceOf;
    this.#capacity = options.capacity ?? 1_000_000;
    this.#onRoom = options.onRoom ?? (() => undefined);
  }

  /** All that waits, those that waited longest first; for another queue, which takes it over by `takeOver`. */
  get waiting(): readonly WaitingKey<K>[] {
    const ready = [...this.#entries.values()].filter(({ lane, again }) => lane !== nowhere || again !== nowhere);
    ready.sort((one, other) => one.addedAt - other.addedAt);
    return [
      ...ready.map(({ key, lane, again }) => ({ key, priority: priorities[lane === nowhere ? again : lane]! })),
      ...[...this.#dueAt].map(([key, dueAt]) => ({ key, dueAt })),
    ];
  }

  /** Whoever works on them is another one now: failures are not counted on. */
  takeOver(waiting: readonly WaitingKey<K>[]): void {
    const now = this.#clock.now();
    for (const each of waiting) {
      if ('dueAt' in each) this.addAfter(each.key, each.dueAt - now);
      else this.add(each.key, each.priority);
    }
  }

  /** Keys that wait for a worker. */
  get length(): number {
    return this.#depth;
  }

  get metrics(): WorkQueueMetrics {
    return {
      depth: this.#depth,
      depthOf: { high: this.#depthIn(0), normal: this.#depthIn(1), low: this.#depthIn(2) },
      delayed: this.#dueAt.size,
      processing: this.#processing,
      adds: this.#adds,
      queued: this.#queued,
      postponed: this.#postponed,
      dones: this.#dones,
      retries: this.#retries,
      refused: this.#refused,
    };
  }

  /** Whether the key will be worked on; `false` where there is no room, or after the shut-down. */
  add(key: K, priority: Priority = 'normal'): boolean {
    if (this.#shut) return false;
    this.#adds += 1;
    const lane = laneOf[priority];
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#depth >= this.#capacity) return this.#refuse();
      const now = this.#clock.now();
      const fresh = { key, group: this.#groupOf(key), lane, again: nowhere, from: lane, addedAt: now, takenAt: now };
      this.#entries.set(key, fresh);
      this.#queued += 1;
      this.#enqueue(fresh);
    } else if (entry.lane === nowhere) {
      if (entry.again === nowhere) this.#queued += 1;
      if (lane < entry.again) entry.again = lane;
    } else if (lane < entry.lane) {
      const before = entry.lane;
      entry.lane = lane;
      this.#depth -= 1;
      this.#leftBehind(before);
      this.#enqueue(entry);
    }
    return true;
  }

  /** Adds the key when `ms` have passed; the earliest of several such requests counts. As `add`, whether there is room. */
  addAfter(key: K, ms: number): boolean {
    if (this.#shut) return false;
    // What is no number is no time to wait for, and must not stand among those that are.
    if (!(ms > 0)) return this.add(key);
    const at = this.#clock.now() + ms;
    const due = this.#dueAt.get(key);
    if (due !== undefined && due <= at) return true;
    if (due === undefined && this.#dueAt.size >= this.#capacity) return this.#refuse();
    this.#postponed += 1;
    this.#dueAt.set(key, at);
    this.#delays.push({ at, key });
    this.#clearDelays();
    this.#arm();
    return true;
  }

  /** A key that waits for its time is due now; `false` where it does not wait. */
  hasten(key: K): boolean {
    return this.#dueAt.delete(key) && this.add(key);
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
    for (;;) {
      const lane = this.#nextLane();
      const entry = this.#lanes[lane]?.shift();
      if (entry === undefined) return undefined;
      if (entry.lane !== lane) {
        this.#stale[lane]! -= 1;
        continue;
      }
      this.#count(lane);
      entry.from = lane;
      entry.lane = nowhere;
      entry.takenAt = this.#clock.now();
      this.#depth -= 1;
      this.#processing += 1;
      return entry.key;
    }
  }

  /** The next key, as soon as there is one; `undefined` once the queue is shut down or `signal` is aborted. */
  get(signal?: AbortSignal): Promise<K | undefined> {
    if (signal?.aborted) return Promise.resolve(undefined);
    const key = this.tryGet();
    if (key !== undefined || this.#shut) return Promise.resolve(key);
    return new Promise((resolve) => {
      const abort = () => {
        this.#getters.retain((each) => each !== getter);
        resolve(undefined);
      };
      const getter = (next: K | undefined) => {
        signal?.removeEventListener('abort', abort);
        resolve(next);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#getters.push(getter);
    });
  }

  /** About a key that is worked on. */
  taken(key: K): TakenKey | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.lane !== nowhere) return undefined;
    return { addedAt: entry.addedAt, takenAt: entry.takenAt, priority: priorities[entry.from]! };
  }

  /** Work on the key has ended, well or not. */
  done(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.lane !== nowhere) return;
    this.#dones += 1;
    this.#processing -= 1;
    if (entry.again === nowhere || this.#shut) this.#entries.delete(key);
    else {
      entry.lane = entry.again;
      entry.again = nowhere;
      entry.addedAt = this.#clock.now();
      this.#enqueue(entry);
    }
    if (this.#refusing && this.#depth <= this.#capacity / 2 && this.#dueAt.size <= this.#capacity / 2) {
      this.#refusing = false;
      this.#onRoom();
    }
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
    for (const each of this.#lanes) each.clear();
    this.#stale.fill(0);
    this.#depth = 0;
    this.#failures.clear();
    for (let getter = this.#getters.shift(); getter; getter = this.#getters.shift()) getter(undefined);
  }

  /** Resolves when nothing is being worked on. */
  drained(): Promise<void> {
    if (this.#processing === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.add(resolve));
  }

  #enqueue(entry: Entry<K>): void {
    this.#depth += 1;
    this.#lanes[entry.lane]!.push(entry, entry.group);
    if (this.#getters.length > 0) this.#getters.shift()?.(this.tryGet());
  }

  /** A key has gone to a better lane; where it stood something is left that is skipped, or cleared away in bulk. */
  #leftBehind(lane: number): void {
    const stale = ++this.#stale[lane]!;
    const entries = this.#lanes[lane]!;
    if (stale <= mostStale || stale * 2 <= entries.length) return;
    const seen = new Set<Entry<K>>();
    entries.retain((each) => {
      if (each.lane !== lane || seen.has(each)) return false;
      seen.add(each);
      return true;
    });
    this.#stale[lane] = 0;
  }

  /** Later deadlines of keys that had an earlier one stay until their time, unless they become many. */
  #clearDelays(): void {
    const { size } = this.#delays;
    if (size <= mostStale || size <= this.#dueAt.size * 2) return;
    this.#delays.retain(({ key, at }) => this.#dueAt.get(key) === at);
  }

  #depthIn(lane: number): number {
    return this.#lanes[lane]!.length - this.#stale[lane]!;
  }

  #refuse(): false {
    this.#refused += 1;
    this.#refusing = true;
    return false;
  }

  /** The best lane that has keys, unless a lane behind it was passed over too often. */
  #nextLane(): number {
    let best = nowhere;
    for (let lane = 0; lane < nowhere; lane += 1) {
      if (this.#lanes[lane]!.length === 0) continue;
      if (best === nowhere) best = lane;
      else if (this.#passedOver[lane]! >= turnAfter) return lane;
    }
    return best === nowhere ? 0 : best;
  }

  #count(taken: number): void {
    this.#passedOver[taken] = 0;
    for (let lane = taken + 1; lane < nowhere; lane += 1) {
      if (this.#lanes[lane]!.length > 0) this.#passedOver[lane]! += 1;
    }
  }

  #arm(): void {
    const next = this.#delays.peek();
    if (next === undefined || (this.#timer && this.#timer.at <= next.at)) return;
    this.#timer?.cancel();
    const { at } = next;
    const cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#due());
    this.#timer = { at, cancel };
  }

  #due(): void {
    this.#timer = undefined;
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

function namespaceOf(key: unknown): string {
  if (typeof key !== 'string') return '';
  const slash = key.indexOf('/');
  return slash < 0 ? '' : key.slice(0, slash);
}

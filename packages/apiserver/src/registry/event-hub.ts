import { type Clock, type Logger, StatusError } from '@keelson/core';
import {
  CompactedError,
  type Revision,
  SlowWatcherError,
  type Storage,
  type StorageEvent,
} from '../storage/contract.ts';
import type { DecodeCache, StoredObject } from './stored-object.ts';

/** One change of one object, decoded once however many watch it. */
export interface Change {
  readonly key: string;
  readonly revision: Revision;
  readonly current: StoredObject | undefined;
  readonly previous: StoredObject | undefined;
}

export interface Subscriber {
  readonly prefix: string;
  /** Changes later than the subscriber's position, in order. */
  change(change: Change): void;
  /** Everything up to `revision` has been delivered. */
  progress(revision: Revision): void;
  /** The history is broken: the watch must end. */
  end(error: StatusError | undefined): void;
}

const root = '/registry/';
const bookmarkEvery = 60_000;

/**
 * The watch cache's live half: one watch of the whole store, handed on to every watch of the API below its prefix.
 * Keeps the last changes, so that a watch can begin a little in the past without asking the store.
 */
export class EventHub {
  readonly #storage: Storage;
  readonly #cache: DecodeCache;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  readonly #recent: StorageEvent[] = [];
  readonly #capacity: number;
  readonly #shared = new WeakMap<StorageEvent, Change>();
  #oldest: Revision = 0;
  #seen: Revision = 0;
  #running: Promise<void> | undefined;

  constructor(options: {
    readonly storage: Storage;
    readonly cache: DecodeCache;
    readonly clock: Clock;
    readonly logger: Logger;
    /** How many changes are kept for watches that begin in the past. Default 8192. */
    readonly capacity?: number;
  }) {
    this.#storage = options.storage;
    this.#cache = options.cache;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#capacity = options.capacity ?? 8192;
  }

  start(): void {
    if (this.#running) return;
    this.#seen = this.#storage.currentRevision();
    this.#oldest = this.#seen;
    this.#running = this.#run();
    this.#scheduleBookmarks();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const each of [...this.#all()]) each.end(undefined);
    this.#subscribers.clear();
  }

  /**
   * Delivers every change below `subscriber.prefix` later than `from`; the function returned ends that.
   * Throws `Expired` (410) where the store no longer knows what happened since.
   */
  subscribe(subscriber: Subscriber, from: Revision): () => void {
    if (from < this.#oldest) return this.#subscribeToHistory(subscriber, from);
    for (const event of this.#recent) {
      if (event.revision > from && event.key.startsWith(subscriber.prefix)) subscriber.change(this.#changeOf(event));
    }
    const guarded = from > this.#seen ? startingAt(subscriber, from) : subscriber;
    const bucket = bucketOf(subscriber.prefix);
    let set = this.#subscribers.get(bucket);
    if (!set) {
      set = new Set();
      this.#subscribers.set(bucket, set);
    }
    set.add(guarded);
    return () => {
      set.delete(guarded);
    };
  }

  #subscribeToHistory(subscriber: Subscriber, from: Revision): () => void {
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#stop.signal]);
    const follow = async () => {
      try {
        for await (const batch of this.#storage.watch(subscriber.prefix, from, signal)) {
          for (const event of batch) subscriber.change(this.#changeOf(event));
        }
        subscriber.end(undefined);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof CompactedError) subscriber.end(tooOld(from, error.compactedRevision));
        else if (error instanceof SlowWatcherError) subscriber.end(undefined);
        else subscriber.end(StatusError.internal(error instanceof Error ? error.message : String(error)));
      }
    };
    void follow();
    return () => abort.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const batch of this.#storage.watch(root, this.#seen, signal)) this.#deliver(batch);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof CompactedError) this.#startOver();
        else if (!(error instanceof SlowWatcherError)) {
          this.#logger.error('the watch of the store failed', { error: String(error) });
          this.#startOver();
          await this.#clock.sleep(100, signal).catch((reason: unknown) => {
            if (!signal.aborted) throw reason;
          });
        }
      }
    }
  }

  #startOver(): void {
    for (const each of [...this.#all()]) each.end(undefined);
    this.#subscribers.clear();
    this.#recent.length = 0;
    this.#seen = this.#storage.currentRevision();
    this.#oldest = this.#seen;
  }

  #deliver(batch: readonly StorageEvent[]): void {
    for (const event of batch) {
      this.#recent.push(event);
      this.#seen = event.revision;
      const set = this.#subscribers.get(bucketOf(event.key));
      if (!set || set.size === 0) continue;
      const change = this.#changeOf(event);
      for (const subscriber of set) if (event.key.startsWith(subscriber.prefix)) subscriber.change(change);
    }
    // Trimmed in big steps: shifting an array one by one costs its whole length each time.
    if (this.#recent.length > this.#capacity * 2) {
      const dropped = this.#recent.splice(0, this.#recent.length - this.#capacity);
      this.#oldest = dropped.at(-1)?.revision ?? this.#oldest;
    }
  }

  #changeOf(event: StorageEvent): Change {
    const known = this.#shared.get(event);
    if (known) return known;
    const change: Change = {
      key: event.key,
      revision: event.revision,
      current: event.entry && this.#cache.get(event.entry),
      previous: event.previous && this.#cache.get(event.previous),
    };
    this.#shared.set(event, change);
    return change;
  }

  *#all(): Iterable<Subscriber> {
    for (const set of this.#subscribers.values()) yield* set;
  }

  #scheduleBookmarks(): void {
    if (this.#stop.signal.aborted) return;
    const cancel = this.#clock.after(bookmarkEvery, () => {
      for (const each of this.#all()) each.progress(this.#seen);
      this.#scheduleBookmarks();
    });
    this.#stop.signal.addEventListener('abort', cancel, { once: true });
  }
}

/** `/registry/core/pods/`: every subscriber of a resource stands in one bucket, whatever its namespace. */
function bucketOf(key: string): string {
  const group = key.indexOf('/', root.length);
  const resource = key.indexOf('/', group + 1);
  return key.slice(0, resource + 1);
}

/** A subscriber that is ahead of what the hub has seen: it knows the changes up to `from` already. */
function startingAt(subscriber: Subscriber, from: Revision): Subscriber {
  return {
    prefix: subscriber.prefix,
    change: (change) => {
      if (change.revision > from) subscriber.change(change);
    },
    progress: (revision) => {
      if (revision >= from) subscriber.progress(revision);
    },
    end: (error) => subscriber.end(error),
  };
}

export function tooOld(asked: Revision, oldest: Revision): StatusError {
  return StatusError.expired(`too old resource version: ${asked} (${oldest})`);
}

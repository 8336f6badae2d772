import { type Clock, type Logger, StatusError } from '@keelson/core';
import {
  CompactedError,
  type Revision,
  SlowWatcherError,
  type Storage,
  type StorageEvent,
} from '../storage/contract.ts';
import { rootPrefix } from './storage-keys.ts';
import type { DecodeCache } from './stored-object.ts';
import { type Change, type Subscriber, WatchIndex } from './watch-index.ts';

export type { Change, Subscriber } from './watch-index.ts';

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
  /** By the prefix of their kind. */
  readonly #indexes = new Map<string, WatchIndex>();
  readonly #recent: StorageEvent[] = [];
  readonly #capacity: number;
  readonly #capacityBytes: number;
  #recentBytes = 0;
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
    /** How many bytes of values they may have. Default 64 MiB. */
    readonly capacityBytes?: number;
  }) {
    this.#storage = options.storage;
    this.#cache = options.cache;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#capacity = options.capacity ?? 8192;
    this.#capacityBytes = options.capacityBytes ?? 64 * 1024 * 1024;
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
    this.#endAll();
  }

  /** The revision up to which everything has been handed on. */
  get position(): Revision {
    return this.#seen;
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
    const kindPrefix = subscriber.kindPrefix ?? subscriber.prefix;
    let index = this.#indexes.get(kindPrefix);
    if (!index) {
      index = new WatchIndex(kindPrefix);
      this.#indexes.set(kindPrefix, index);
    }
    const joined = index;
    joined.add(guarded);
    subscriber.joined?.();
    return () => {
      joined.delete(guarded);
      if (joined.size === 0 && this.#indexes.get(kindPrefix) === joined) this.#indexes.delete(kindPrefix);
    };
  }

  /** Reads on its own what the hub no longer has, and then joins the others. */
  #subscribeToHistory(subscriber: Subscriber, from: Revision): () => void {
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#stop.signal]);
    let leave = () => abort.abort();
    const follow = async () => {
      try {
        for await (const batch of this.#storage.watch(rootPrefix, from, signal)) {
          for (const event of batch) {
            if (event.key.startsWith(subscriber.prefix)) subscriber.change(this.#changeOf(event));
          }
          const last = batch.at(-1)?.revision ?? from;
          if (signal.aborted || last < this.#oldest) continue;
          leave = this.subscribe(subscriber, last);
          return;
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
    return () => leave();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const batch of this.#storage.watch(rootPrefix, this.#seen, signal)) this.#deliver(batch);
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

  /** Ends every watch; none can begin before what is stored now. */
  forget(): void {
    if (this.#running) this.#startOver();
  }

  #startOver(): void {
    this.#endAll();
    this.#recent.length = 0;
    this.#recentBytes = 0;
    this.#seen = this.#storage.currentRevision();
    this.#oldest = this.#seen;
  }

  #deliver(batch: readonly StorageEvent[]): void {
    for (const event of batch) {
      this.#recent.push(event);
      this.#recentBytes += sizeOf(event);
      this.#seen = event.revision;
      const index = this.#indexOf(event.key);
      if (index) index.tell(event.key, () => this.#changeOf(event));
    }
    // Trimmed in big steps: shifting an array one by one costs its whole length each time.
    if (this.#recent.length > this.#capacity * 2 || this.#recentBytes > this.#capacityBytes * 2) this.#trim();
  }

  #trim(): void {
    let count = 0;
    for (const event of this.#recent) {
      if (this.#recent.length - count <= this.#capacity && this.#recentBytes <= this.#capacityBytes) break;
      this.#recentBytes -= sizeOf(event);
      count++;
    }
    const dropped = this.#recent.splice(0, count);
    this.#oldest = dropped.at(-1)?.revision ?? this.#oldest;
  }

  #changeOf(event: StorageEvent): Change {
    const known = this.#shared.get(event);
    if (known) return known;
    const change: Change = {
      key: event.key,
      revision: event.revision,
      current: event.entry && this.#cache.get(event.entry),
      previous: event.previous && this.#cache.get(event.previous),
      bytes: sizeOf(event),
    };
    this.#shared.set(event, change);
    return change;
  }

  /** Kinds' prefixes have one part below the root, or two: those of custom kinds and of a few others. */
  #indexOf(key: string): WatchIndex | undefined {
    const first = key.indexOf('/', rootPrefix.length) + 1;
    return this.#indexes.get(key.slice(0, first)) ?? this.#indexes.get(key.slice(0, key.indexOf('/', first) + 1));
  }

  *#all(): Iterable<Subscriber> {
    for (const index of this.#indexes.values()) yield* index.all();
  }

  #endAll(): void {
    const all = [...this.#all()];
    this.#indexes.clear();
    for (const each of all) each.end(undefined);
  }

  #scheduleBookmarks(): void {
    if (this.#stop.signal.aborted) return;
    const cancel = this.#clock.after(bookmarkEvery, () => {
      this.#stop.signal.removeEventListener('abort', cancel);
      for (const each of this.#all()) each.progress(this.#seen);
      this.#scheduleBookmarks();
    });
    this.#stop.signal.addEventListener('abort', cancel, { once: true });
  }
}

const sizeOf = ({ entry, previous }: StorageEvent) => (entry ?? previous)?.value.length ?? 0;

/** A subscriber that is ahead of what the hub has seen: it knows the changes up to `from` already. */
function startingAt(subscriber: Subscriber, from: Revision): Subscriber {
  return {
    prefix: subscriber.prefix,
    ...(subscriber.kindPrefix !== undefined && { kindPrefix: subscriber.kindPrefix }),
    ...(subscriber.only && { only: subscriber.only }),
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

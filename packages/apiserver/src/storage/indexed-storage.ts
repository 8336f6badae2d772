import { type Clock, systemClock } from '@keelson/core/machinery';
import {
  type Fence,
  type FrozenStore,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type Revision,
  RevisionMismatchError,
  type Storage,
  type StorageEvent,
  type StoredEntry,
  type WriteOptions,
} from './contract.ts';
import { EventFeed } from './event-feed.ts';
import { Expiries } from './expiries.ts';
import type { RevisionIndex } from './revision-index.ts';
import type { WriteRequest } from './write-decision.ts';

const longestWatchLag = 100_000;

export interface IndexedStorageOptions {
  readonly lag?: number;
  readonly clock?: Clock;
}

/** A store whose readers are served from an index in memory; how a write becomes part of it is the subclass's affair. */
export abstract class IndexedStorage implements Storage {
  protected readonly index: RevisionIndex;
  protected readonly feed: EventFeed;
  protected readonly expiries: Expiries;
  readonly #clock: Clock;

  /** @param lag changes that a watcher may fall behind; default 100,000 */
  constructor(index: RevisionIndex, { lag = longestWatchLag, clock = systemClock }: IndexedStorageOptions = {}) {
    this.index = index;
    this.#clock = clock;
    this.feed = new EventFeed(index, lag);
    this.expiries = new Expiries(clock, (keys) => {
      for (const key of keys) void this.#expire(key);
    });
  }

  currentRevision(): Revision {
    return this.index.currentRevision;
  }

  waitFor(revision: Revision, signal: AbortSignal): Promise<void> {
    return this.feed.reached(revision, signal);
  }

  async get(key: string, options: ReadOptions = {}) {
    options.signal?.throwIfAborted();
    return this.index.get(key, options.revision);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    options.signal?.throwIfAborted();
    return this.index.list(prefix, options);
  }

  async count(prefix: string): Promise<number> {
    return this.index.count(prefix);
  }

  create(key: string, value: Uint8Array, options?: WriteOptions): Promise<StoredEntry> {
    return this.#put({ type: 'create', key, value, ...this.#termsOf(options) });
  }

  update(key: string, value: Uint8Array, expected: Revision, options?: WriteOptions): Promise<StoredEntry> {
    return this.#put({ type: 'update', key, value, expected, ...this.#termsOf(options) });
  }

  async delete(key: string, expected: Revision) {
    const { revision, previous } = await this.write({ type: 'delete', key, expected });
    if (!previous) throw new Error('a deletion has a previous entry');
    return { revision, previous };
  }

  watch(prefix: string, from: Revision, signal: AbortSignal): AsyncIterable<readonly StorageEvent[]> {
    return this.feed.watch(prefix, from, signal);
  }

  abstract compact(revision: Revision): Promise<void>;
  abstract healthy(): Promise<void>;
  abstract close(): Promise<void>;

  /** Resolves once the change is acknowledged and readers see it. */
  protected abstract write(request: WriteRequest): Promise<StorageEvent>;

  freeze(): FrozenStore {
    return this.frozenAt(this.index.currentRevision);
  }

  /** The content as of a revision that is not compacted. */
  protected frozenAt(revision: Revision): FrozenStore {
    const { expiries } = this;
    const index = this.index.fork();
    return {
      revision,
      piece: (from, limit) => index.piece(from, limit, revision),
      expires: (key) => expiries.get(key),
    };
  }

  /** Makes an acknowledged change visible. */
  protected applyEvent(event: StorageEvent): void {
    this.index.apply(event);
    this.expiries.set(event.key, event.expires);
  }

  #termsOf(
    options: WriteOptions | undefined,
  ): { readonly expires?: number; readonly fences?: readonly Fence[] } | undefined {
    if (options === undefined) return undefined;
    const { ttlSeconds, fences } = options;
    return {
      ...(ttlSeconds !== undefined && { expires: this.#clock.now() + ttlSeconds * 1000 }),
      ...(fences && { fences }),
    };
  }

  async #expire(key: string): Promise<void> {
    const entry = this.index.latest(key);
    if (!entry) return;
    try {
      await this.delete(key, entry.modRevision);
    } catch (error) {
      // Written again in the meantime: it has a new time, or none. Any other failure is that of the store itself, which
      // its writers are told of; the entry is tried again after the next start.
      if (error instanceof RevisionMismatchError) return;
      this.expiryFailed(error);
    }
  }

  /** An entry whose time is over could not be deleted. */
  protected abstract expiryFailed(error: unknown): void;

  async #put(request: WriteRequest): Promise<StoredEntry> {
    const { entry } = await this.write(request);
    if (!entry) throw new Error('a put has an entry');
    return entry;
  }
}

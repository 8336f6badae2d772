import type { ListOptions, ListResult, Revision, Storage, StorageEvent, StoredEntry } from './contract.ts';
import { EventFeed } from './event-feed.ts';
import type { RevisionIndex } from './revision-index.ts';
import type { WriteRequest } from './write-decision.ts';

const longestWatchLag = 100_000;

/** A store whose readers are served from an index in memory; how a write becomes part of it is the subclass's affair. */
export abstract class IndexedStorage implements Storage {
  protected readonly index: RevisionIndex;
  protected readonly feed: EventFeed;

  /** @param lag changes that a watcher may fall behind; default 100,000 */
  constructor(index: RevisionIndex, lag = longestWatchLag) {
    this.index = index;
    this.feed = new EventFeed(index, lag);
  }

  currentRevision(): Revision {
    return this.index.currentRevision;
  }

  async get(key: string, options: { readonly revision?: Revision; readonly signal?: AbortSignal } = {}) {
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

  create(key: string, value: Uint8Array): Promise<StoredEntry> {
    return this.#put({ type: 'create', key, value });
  }

  update(key: string, value: Uint8Array, expected: Revision): Promise<StoredEntry> {
    return this.#put({ type: 'update', key, value, expected });
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

  async #put(request: WriteRequest): Promise<StoredEntry> {
    const { entry } = await this.write(request);
    if (!entry) throw new Error('a put has an entry');
    return entry;
  }
}

import type { ListOptions, ListResult, Revision, Storage, StorageEvent, StoredEntry } from './contract.ts';
import { StorageClosedError } from './contract.ts';
import { EventFeed } from './event-feed.ts';
import { compactionForSize, type HistoryOptions } from './history-policy.ts';
import { RevisionIndex } from './revision-index.ts';
import { decideWrite, type WriteRequest } from './write-decision.ts';

export interface MemoryStorageOptions {
  readonly history?: Omit<HistoryOptions, 'age'>;
  /** Changes that a watcher may fall behind. Default 100,000. */
  readonly longestWatchLag?: number;
}

/** The store without a disk, for tests and throw-away clusters. */
export class MemoryStorage implements Storage {
  private readonly index: RevisionIndex;
  private readonly feed: EventFeed;
  private readonly options: MemoryStorageOptions;
  private closed = false;

  constructor(options: MemoryStorageOptions = {}, index = new RevisionIndex()) {
    this.options = options;
    this.index = index;
    this.feed = new EventFeed(index, options.longestWatchLag ?? 100_000);
  }

  /** A store of its own that begins with this one's content. Takes no longer for large values or many keys. */
  fork(): MemoryStorage {
    return new MemoryStorage(this.options, this.index.fork());
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

  async create(key: string, value: Uint8Array): Promise<StoredEntry> {
    return this.put({ type: 'create', key, value });
  }

  async update(key: string, value: Uint8Array, expected: Revision): Promise<StoredEntry> {
    return this.put({ type: 'update', key, value, expected });
  }

  async delete(key: string, expected: Revision) {
    const event = this.write({ type: 'delete', key, expected });
    if (!event.previous) throw new Error('a deletion has a previous entry');
    return { revision: event.revision, previous: event.previous };
  }

  watch(prefix: string, from: Revision, signal: AbortSignal): AsyncIterable<readonly StorageEvent[]> {
    return this.feed.watch(prefix, from, signal);
  }

  async compact(revision: Revision): Promise<void> {
    await this.healthy();
    this.index.compact(revision);
  }

  async healthy(): Promise<void> {
    if (this.closed) throw new StorageClosedError('the store is closed');
  }

  async close(): Promise<void> {
    this.closed = true;
    this.feed.close();
  }

  private put(request: WriteRequest): StoredEntry {
    const { entry } = this.write(request);
    if (!entry) throw new Error('a put has an entry');
    return entry;
  }

  private write(request: WriteRequest): StorageEvent {
    if (this.closed) throw new StorageClosedError('the store is closed');
    const event = decideWrite(request, this.index.latest(request.key), this.index.currentRevision + 1);
    this.index.apply(event);
    const compactTo = compactionForSize(this.index, this.options.history ?? {});
    if (compactTo !== undefined) this.index.compact(compactTo);
    this.feed.advance();
    return event;
  }
}

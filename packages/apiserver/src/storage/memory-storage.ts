import { type Clock, systemClock } from '@keelson/core/machinery';
import type { Revision, StorageEvent } from './contract.ts';
import { StorageClosedError } from './contract.ts';
import { compactByAge, compactionForSize, type HistoryOptions } from './history-policy.ts';
import { IndexedStorage } from './indexed-storage.ts';
import { RevisionIndex } from './revision-index.ts';
import { checkFences, decideWrite, type WriteRequest } from './write-decision.ts';

export interface MemoryStorageOptions {
  readonly history?: HistoryOptions;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Changes that a watcher may fall behind. Default 100,000. */
  readonly longestWatchLag?: number;
}

/** The store without a disk, for tests and throw-away clusters. */
export class MemoryStorage extends IndexedStorage {
  private readonly options: MemoryStorageOptions;
  private readonly stopAging: () => void;
  private closed = false;

  constructor(options: MemoryStorageOptions = {}, index = new RevisionIndex()) {
    super(index, {
      ...(options.longestWatchLag !== undefined && { lag: options.longestWatchLag }),
      ...(options.clock && { clock: options.clock }),
    });
    this.options = options;
    this.stopAging = compactByAge(
      options.clock ?? systemClock,
      options.history ?? {},
      () => this.index.currentRevision,
      (revision) => this.index.compact(revision),
    );
  }

  /**
   * A store of its own that begins with this one's content. Takes no longer for large values or many keys.
   * @param options default: those of this store
   */
  fork(options: MemoryStorageOptions = this.options): MemoryStorage {
    const copy = new MemoryStorage(options, this.index.fork());
    this.expiries.copyTo(copy.expiries);
    return copy;
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
    this.stopAging();
    this.expiries.close();
    this.feed.close();
  }

  protected async write(request: WriteRequest): Promise<StorageEvent> {
    if (this.closed) throw new StorageClosedError('the store is closed');
    const event = decideWrite(request, this.index.latest(request.key), this.index.currentRevision + 1);
    checkFences(request, (key) => this.index.latest(key));
    this.applyEvent(event);
    const compactTo = compactionForSize(this.index, this.options.history ?? {});
    if (compactTo !== undefined) this.index.compact(compactTo);
    this.feed.advance();
    return event;
  }

  protected expiryFailed(error: unknown): void {
    if (!this.closed) throw error;
  }
}

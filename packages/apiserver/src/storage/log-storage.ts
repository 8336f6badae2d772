import { chmod, mkdir } from 'node:fs/promises';
import type { Clock } from '@keelson/core/machinery';
import {
  type Revision,
  StorageClosedError,
  type StorageEvent,
  StorageFailedError,
  StorageOpenError,
} from './contract.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { compactByAge, compactionForSize, type HistoryOptions } from './history-policy.ts';
import { IndexedStorage } from './indexed-storage.ts';
import { fileSystemDirectory, type LogDirectory } from './log-files.ts';
import type { LogRecord } from './log-format.ts';
import { type Recovered, recover } from './log-recovery.ts';
import { LogWriter } from './log-writer.ts';
import type { RevisionIndex } from './revision-index.ts';
import { checkFences, decideWrite, type WriteRequest } from './write-decision.ts';

/** Where a store on disk is kept, and how. */
export interface LogStorageOptions {
  /** Made if it is not there, for its owner alone (0700). */
  readonly dir: string;
  readonly clock: Clock;
  readonly history?: HistoryOptions;
  /** Bytes after which a new file is begun. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Changes that a watcher may fall behind. Default 100,000. */
  readonly longestWatchLag?: number;
  /** The disk; replaced in tests. */
  readonly files?: LogDirectory;
  /** Told when a snapshot in the background failed: the store works on, its log grows. */
  readonly onBackgroundError?: (error: unknown) => void;
}

/** Bytes that may wait for the disk; a writer beyond waits before its turn. */
const mostWaitingBytes = 64 * 1024 * 1024;
const mostBatchBytes = 16 * 1024 * 1024;
const snapshotAtLeast = 64 * 1024 * 1024;

interface PendingWrite {
  readonly record: LogRecord;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens the embedded store: a log on disk under an index in memory. Rejects with `StorageOpenError` if another process
 * has the directory, it may not be written, or its data is damaged.
 */
export async function openLogStorage(options: LogStorageOptions): Promise<LogStorage> {
  const { dir } = options;
  const files = options.files ?? fileSystemDirectory(dir);
  let lock: DirectoryLock | undefined;
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o700);
    lock = await lockDirectory(dir);
    const { index, expires, segments, snapshotBytes, leftovers } = await recover(files);
    for (const name of leftovers) await files.remove(name);
    const writer = await LogWriter.open(
      files,
      segments,
      index.currentRevision,
      options.segmentBytes ?? 64 * 1024 * 1024,
    );
    return new LogStorage(options, index, writer, lock, { snapshotBytes, expires });
  } catch (error) {
    await lock?.release();
    throw asOpenError(error, dir);
  }
}

function asOpenError(error: unknown, dir: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new StorageOpenError(
      'permission',
      `${dir} cannot be written by this user (${code}): choose another data directory`,
    );
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') return new StorageOpenError('permission', `${dir} is not a directory`);
  return error;
}

/**
 * Writes are decided in the order of their calls, against the newest state including what is not yet on disk; they are
 * seen by readers and acknowledged only once they are. All that waits goes to disk together, with one fdatasync.
 */
export class LogStorage extends IndexedStorage {
  private readonly options: LogStorageOptions;
  private readonly writer: LogWriter;
  private readonly lock: DirectoryLock;
  private readonly stopAging: () => void;
  private readonly closing = new AbortController();
  private snapshotBytes: number;
  private snapshotting: Promise<void> | undefined;
  private waiting: PendingWrite[] = [];
  private waitingBytes = 0;
  /** The newest write of a key that is not yet durable. */
  private readonly pending = new Map<string, StorageEvent>();
  private assigned: Revision;
  private flushing: Promise<void> | undefined;
  /** Those who want to know of the next batch that is written, or not. */
  private afterBatch: (() => void)[] = [];
  private snapshotBeyond = 0;
  private failure: Error | undefined;

  /** Use `openLogStorage`. */
  constructor(
    options: LogStorageOptions,
    index: RevisionIndex,
    writer: LogWriter,
    lock: DirectoryLock,
    { snapshotBytes, expires }: Pick<Recovered, 'snapshotBytes' | 'expires'>,
  ) {
    super(index, {
      clock: options.clock,
      ...(options.longestWatchLag !== undefined && { lag: options.longestWatchLag }),
    });
    for (const [key, time] of expires) this.expiries.set(key, time);
    this.options = options;
    this.writer = writer;
    this.lock = lock;
    this.snapshotBytes = snapshotBytes;
    this.assigned = index.currentRevision;
    this.stopAging = compactByAge(
      options.clock,
      options.history ?? {},
      () => index.currentRevision,
      (revision) => this.compactInBackground(revision),
    );
  }

  async compact(revision: Revision): Promise<void> {
    this.assertWritable();
    this.index.compact(revision);
    await this.enqueue({ type: 'compact', revision }, 0);
  }

  async healthy(): Promise<void> {
    this.assertWritable();
  }

  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new StorageClosedError('the store is closed'));
    this.stopAging();
    this.expiries.close();
    while (this.flushing) await this.flushing;
    await this.snapshotting;
    this.feed.close();
    try {
      if (!this.failure) await this.writer.append([{ type: 'end', revision: this.index.currentRevision, count: 0 }]);
    } finally {
      await this.writer.close();
      await this.lock.release();
    }
  }

  protected async write(request: WriteRequest): Promise<StorageEvent> {
    while (this.waitingBytes > mostWaitingBytes) await this.nextBatch();
    this.assertWritable();
    const { key } = request;
    // What the decision rests on that is not yet durable.
    let newest = 0;
    const latest = (each: string) => {
      const undurable = this.pending.get(each);
      if (!undurable) return this.index.latest(each);
      newest = Math.max(newest, undurable.revision);
      return undurable.entry;
    };
    let event: StorageEvent;
    try {
      event = decideWrite(request, latest(key), this.assigned + 1);
      checkFences(request, latest);
    } catch (error) {
      // Refused because of a write that is not yet durable: that may be told only when it is.
      while (this.index.currentRevision < newest && !this.failure) await this.nextBatch();
      throw this.failure ?? error;
    }
    this.assigned = event.revision;
    this.pending.set(key, event);
    await this.enqueue({ type: 'event', event }, event.key.length + (event.entry?.value.length ?? 0));
    return event;
  }

  private assertWritable(): void {
    if (this.failure) throw this.failure;
    if (this.closing.signal.aborted) throw new StorageClosedError('the store is closed');
  }

  /** Resolves when the record is durable and visible. */
  private enqueue(record: LogRecord, bytes: number): Promise<void> {
    this.waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.waiting.push({ record, bytes, resolve, reject });
      this.flushing ??= this.flush();
    });
  }

  private nextBatch(): Promise<void> {
    return new Promise((resolve) => this.afterBatch.push(resolve));
  }

  private async flush(): Promise<void> {
    try {
      // Let all writers of this turn join the first batch.
      await Promise.resolve();
      while (this.waiting.length > 0) {
        const written = await this.flushBatch();
        // The writers that this batch woke write again in a moment: worth waiting for if they are many.
        if (written > 1) await new Promise(setImmediate);
      }
    } finally {
      this.flushing = undefined;
    }
  }

  private async flushBatch(): Promise<number> {
    const batch = this.takeBatch();
    const records = batch.map(({ record }) => record);
    const last = records.findLast((each) => each.type === 'event');
    try {
      await this.writer.append(records);
      await this.writer.rotateIfFull(last ? last.event.revision : this.index.currentRevision);
    } catch (error) {
      this.fail(error, batch);
    }
    if (!this.failure) this.acknowledge(batch);
    const told = this.afterBatch;
    this.afterBatch = [];
    for (const tell of told) tell();
    return batch.length;
  }

  private acknowledge(batch: readonly PendingWrite[]): void {
    for (const { record } of batch) {
      if (record.type !== 'event') continue;
      this.applyEvent(record.event);
      if (this.pending.get(record.event.key) === record.event) this.pending.delete(record.event.key);
    }
    for (const { resolve } of batch) resolve();
    this.feed.advance();
    const compactTo = compactionForSize(this.index, this.options.history ?? {});
    if (compactTo !== undefined) this.compactInBackground(compactTo);
    this.snapshotIfWorthwhile();
  }

  private takeBatch(): PendingWrite[] {
    let bytes = 0;
    let count = 0;
    while (count < this.waiting.length && bytes < mostBatchBytes) bytes += this.waiting[count++]!.bytes;
    this.waitingBytes -= bytes;
    return this.waiting.splice(0, count);
  }

  /** After a failed write nothing is known of the disk, so nothing more is written: not even a second attempt. */
  private fail(cause: unknown, batch: readonly PendingWrite[]): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    this.failure = new StorageFailedError(`${this.options.dir} cannot be written any more: ${why}`, { cause });
    for (const { reject } of [...batch, ...this.waiting]) reject(this.failure);
    this.waiting = [];
    this.waitingBytes = 0;
    this.pending.clear();
  }

  private compactInBackground(revision: Revision): void {
    this.compact(revision).catch((error: unknown) => this.reportBackground(error));
  }

  private reportBackground(error: unknown): void {
    if (!this.closing.signal.aborted && error !== this.failure) this.options.onBackgroundError?.(error);
  }

  protected expiryFailed(error: unknown): void {
    this.reportBackground(error);
  }

  private snapshotIfWorthwhile(): void {
    if (this.snapshotting || this.closing.signal.aborted || this.failure) return;
    const garbage = this.writer.bytes - this.index.historyBytes;
    if (this.writer.bytes < this.snapshotBeyond) return;
    if (garbage < Math.max(this.options.segmentBytes ?? snapshotAtLeast, this.snapshotBytes)) return;
    this.snapshotting = this.snapshot();
  }

  private async snapshot(): Promise<void> {
    try {
      this.snapshotBytes = await this.writer.snapshot(this.frozenAt(this.index.compactedRevision), this.closing.signal);
    } catch (error) {
      // Not again at once: what failed would most likely fail again.
      this.snapshotBeyond = this.writer.bytes + snapshotAtLeast;
      this.reportBackground(error);
    } finally {
      this.snapshotting = undefined;
    }
  }
}

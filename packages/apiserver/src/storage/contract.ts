/** A position in the store's one history: 1, 2, 3 … Every successful write has its own. A safe integer. */
export type Revision = number;

/** What is stored under a key, and since which revision. */
export interface StoredEntry {
  readonly key: string;
  /** Never changed by anybody once stored; readers share it. */
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
}

/** A change of the store. */
export interface StorageEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  /** The revision of this change; for `delete` the deletion's own. */
  readonly revision: Revision;
  /** What is stored from now on; absent on `delete`. */
  readonly entry?: StoredEntry;
  /** What was stored before, if anything. */
  readonly previous?: StoredEntry;
  /** When the entry goes by itself, in milliseconds since the epoch, where this store sees to that. */
  readonly expires?: number;
}

/**
 * How current an answer has to be. Without `revision` and `atLeast` it is linearizable: it shows every write that was
 * acknowledged before the call, by whichever server on the same store.
 */
export interface ReadOptions {
  /** As of exactly this revision. Rejects with `CompactedError` or `FutureRevisionError`. */
  readonly revision?: Revision;
  /** May come from what this store has seen so far, if that is at least this revision; 0: in any case. */
  readonly atLeast?: Revision;
  readonly signal?: AbortSignal;
}

export interface ListOptions extends ReadOptions {
  readonly limit?: number;
  /** Only keys at or after this one; for the next page, the last key and a zero character. */
  readonly from?: string;
}

export interface ListResult {
  /** In byte order of their keys. */
  readonly entries: readonly StoredEntry[];
  /** The revision that the answer is true for; of everything in the store, not only of what was asked for. */
  readonly revision: Revision;
  /** How many more match beyond `limit`. */
  readonly remaining: number;
}

export interface WriteOptions {
  /** Deletes the entry by itself when it was not written for so many seconds; it may take a little longer. */
  readonly ttlSeconds?: number;
  /** What else must stand at the moment of the write. Rejects with `FencedError` where only they are in the way. */
  readonly fences?: readonly Fence[];
}

/** Another entry, at the revision that a writer has read it at: the write is void once somebody has written that one. */
export interface Fence {
  readonly key: string;
  readonly revision: Revision;
}

/**
 * A revisioned key-value store: the truth of the cluster. Bytes, revisions and an event log; it knows nothing of kinds.
 * Modelled so that etcd v3 (range, txn with mod-revision compare, watch, compact) satisfies it as well.
 *
 * Rules that the conformance suite checks:
 * - revisions are total and rise: every write gets a higher one, and a reader that saw N sees everything up to N;
 * - a promise that resolved survives `kill -9` and loss of power; a write that was never acknowledged is there whole or not at all;
 * - a watch delivers every change under its prefix from its revision on, once, in order.
 */
export interface Storage {
  /**
   * The latest revision that this store has seen: `atLeast` reads and watches are served up to it. Another server on the
   * same store may have written more. Where no other can, it is simply the latest.
   */
  currentRevision(): Revision;
  /** Resolves when reads that ask for `atLeast` this revision would be answered; rejects with the signal's reason. */
  waitFor(revision: Revision, signal: AbortSignal): Promise<void>;
  get(
    key: string,
    options?: ReadOptions,
  ): Promise<{ readonly entry: StoredEntry | undefined; readonly revision: Revision }>;
  list(prefix: string, options?: ListOptions): Promise<ListResult>;
  count(prefix: string): Promise<number>;
  /** Rejects with `KeyExistsError`. */
  create(key: string, value: Uint8Array, options?: WriteOptions): Promise<StoredEntry>;
  /** Rejects with `RevisionMismatchError` unless the entry exists at exactly `expected`. */
  update(key: string, value: Uint8Array, expected: Revision, options?: WriteOptions): Promise<StoredEntry>;
  /** Resolves to the deletion's revision and what was there; rejects like `update`. */
  delete(key: string, expected: Revision): Promise<{ readonly revision: Revision; readonly previous: StoredEntry }>;
  /**
   * Batches of changes after `from` (exclusive), first those already in the history. Throws `CompactedError` when the
   * history does not reach back that far. Ends when `signal` aborts or the store closes.
   * A watcher that falls more than a bounded number of events behind gets `SlowWatcherError`.
   */
  watch(prefix: string, from: Revision, signal: AbortSignal): AsyncIterable<readonly StorageEvent[]>;
  /** Forgets history before `revision`: later reads and watches below it reject with `CompactedError`. */
  compact(revision: Revision): Promise<void>;
  /** All that is in the store now. Throws `UnsupportedStorageError` where the store has means of its own for backups. */
  freeze(): FrozenStore;
  /** Rejects unless the store can take writes now. */
  healthy(): Promise<void>;
  /**
   * Whether a value that this store gave would be kept in another form if it were written now, so that writing it again
   * is worth it although nothing has changed. Absent: never.
   */
  isStale?(key: string, value: Uint8Array): boolean;
  /** Rejects unless values can be encrypted and decrypted. Absent: they are not. */
  keysHealthy?(): Promise<void>;
  close(): Promise<void>;
}

/** The content of a store as of one moment: it stays as it is, whatever is written later. */
export interface FrozenStore {
  readonly revision: Revision;
  /** Up to `limit` entries from a key on, in order. */
  piece(from: string, limit: number): readonly StoredEntry[];
  /** When an entry goes by itself, in milliseconds since the epoch. */
  expires(key: string): number | undefined;
}

/** Base of the errors that are part of the contract. */
export abstract class StorageError extends Error {}

/** Something is stored under the key already. */
export class KeyExistsError extends StorageError {
  override readonly name = 'KeyExistsError';
}

/** What is stored is not what the writer has seen. */
export class RevisionMismatchError extends StorageError {
  override readonly name = 'RevisionMismatchError';
  /** What is stored now; undefined: nothing. */
  readonly current: StoredEntry | undefined;
  constructor(key: string, expected: Revision, current: StoredEntry | undefined) {
    super(`${key}: expected revision ${expected}, stored is ${current?.modRevision ?? 'nothing'}`);
    this.current = current;
  }
}

/** An entry that the write depended on is not as expected any more: nothing was written. */
export class FencedError extends StorageError {
  override readonly name = 'FencedError';
  constructor(key: string, fences: readonly Fence[]) {
    super(`${key}: ${fences.map((each) => `${each.key} is no longer at ${each.revision}`).join(', ')}`);
  }
}

/** What is asked for is older than what is kept. */
export class CompactedError extends StorageError {
  override readonly name = 'CompactedError';
  readonly compactedRevision: Revision;
  constructor(asked: Revision, compactedRevision: Revision) {
    super(`revision ${asked} has been compacted; the oldest kept is ${compactedRevision}`);
    this.compactedRevision = compactedRevision;
  }
}

/** What is asked for has not happened yet. */
export class FutureRevisionError extends StorageError {
  override readonly name = 'FutureRevisionError';
  readonly current: Revision;
  constructor(asked: Revision, current: Revision) {
    super(`revision ${asked} is later than the current one, ${current}`);
    this.current = current;
  }
}

/** A watcher was so slow that it was given up. */
export class SlowWatcherError extends StorageError {
  override readonly name = 'SlowWatcherError';
}

/** What is stored under a key cannot be decrypted: the key or the provider that it was encrypted with is not there. */
export class UnreadableEntryError extends StorageError {
  override readonly name = 'UnreadableEntryError';
  readonly key: string;
  /** Of the entry, so that it can be deleted all the same. */
  readonly revision: Revision;
  /** @param list whether many were asked for, so that the message has to say which it is */
  constructor(key: string, revision: Revision, cause: unknown, { list = false } = {}) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(list ? `unable to transform key ${JSON.stringify(key)}: ${why}` : why, { cause });
    this.key = key;
    this.revision = revision;
  }
}

/** A value cannot be encrypted now; nothing was written. */
export class EncryptionFailedError extends StorageError {
  override readonly name = 'EncryptionFailedError';
}

/** The store was closed: nothing can be written any more. */
export class StorageClosedError extends StorageError {
  override readonly name = 'StorageClosedError';
}

/** This store does not do that; the message says what does. */
export class UnsupportedStorageError extends StorageError {
  override readonly name = 'UnsupportedStorageError';
}

/** The disk refused a write (full, broken): the store answers reads only, until it is opened anew. */
export class StorageFailedError extends StorageError {
  override readonly name = 'StorageFailedError';
}

/**
 * The store cannot be reached, or did not answer in time. `outcome`: whether the write may have happened all the same;
 * reads and writes that surely did not happen say `none`.
 */
export class StorageUnavailableError extends StorageError {
  override readonly name = 'StorageUnavailableError';
  readonly outcome: 'none' | 'unknown';
  /** It was the time that ran out. */
  readonly timeout: boolean;
  constructor(
    message: string,
    outcome: 'none' | 'unknown',
    { timeout = false, ...options }: ErrorOptions & { readonly timeout?: boolean } = {},
  ) {
    super(message, options);
    this.outcome = outcome;
    this.timeout = timeout;
  }
}

/** The directory is in use by another process, cannot be written, or holds damaged data: nothing was changed. */
export class StorageOpenError extends StorageError {
  override readonly name = 'StorageOpenError';
  readonly kind: 'locked' | 'permission' | 'corrupt' | 'version';
  constructor(kind: StorageOpenError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

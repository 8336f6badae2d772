import {
  CompactedError,
  type Fence,
  FencedError,
  type FrozenStore,
  FutureRevisionError,
  KeyExistsError,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type Revision,
  RevisionMismatchError,
  type Storage,
  StorageClosedError,
  type StorageEvent,
  type StoredEntry,
  UnsupportedStorageError,
  type WriteOptions,
} from '../contract.ts';
import { compactTo, keepCompacting } from './compactor.ts';
import { EtcdConnection } from './connection.ts';
import { entryOf, rangeOf } from './entries.ts';
import { failureOf, storageErrorOf } from './errors.ts';
import { Leases } from './leases.ts';
import { compareTarget, type Message, methods, numberOf } from './messages.ts';
import type { EtcdOptions } from './options.ts';
import { OwnWrites } from './own-writes.ts';
import { ReadIndex } from './read-index.ts';
import { Replica } from './replica.ts';
import { WatchSession } from './watch-session.ts';

/** How long a read waits for the replica before it asks etcd itself. */
const patienceMs = 3_000;
/** The same where the replica may never learn that nothing more has changed. */
const shortPatienceMs = 200;
const healthMs = 2_000;
const defaultInterval = 5 * 60_000;

/** Connects and loads what is there. Rejects with a `StorageError` when no member answers. */
export async function openEtcdStorage(options: EtcdOptions, signal?: AbortSignal): Promise<EtcdStorage> {
  const storage = new EtcdStorage(options);
  try {
    await storage.start(signal);
  } catch (error) {
    await storage.close();
    throw storageErrorOf(error, 'none');
  }
  return storage;
}

/**
 * The store in an etcd cluster that other servers may share. Reads come from a replica once it has reached the revision
 * that a cheap linearizable read told; where it does not in time, and for what it no longer holds, from etcd.
 */
export class EtcdStorage implements Storage {
  readonly #options: EtcdOptions;
  readonly #root: string;
  readonly #connection: EtcdConnection;
  readonly #replica: Replica;
  readonly #ownWrites = new OwnWrites();
  readonly #leases: Leases;
  readonly #readIndex: ReadIndex;
  readonly #closing = new AbortController();
  #compacting: Promise<void> | undefined;
  #compacted: Revision = 0;

  /** Use `openEtcdStorage`. */
  constructor(options: EtcdOptions) {
    const { clock, random, logger, longestWatchLag = 100_000, root = '/registry/' } = options;
    this.#options = options;
    this.#root = root;
    this.#connection = new EtcdConnection(options);
    this.#leases = new Leases(this.#connection, clock);
    this.#replica = new Replica({
      connection: this.#connection,
      root,
      clock,
      random,
      logger,
      longestWatchLag,
      ownWrites: this.#ownWrites,
    });
    this.#readIndex = new ReadIndex(() => this.#askRevision({ signal: this.#closing.signal }));
  }

  async start(signal?: AbortSignal): Promise<void> {
    await this.#replica.start(signal);
    const { clock, logger, compactionInterval: interval = defaultInterval } = this.#options;
    if (interval === 0) return;
    const { signal: closing } = this.#closing;
    this.#compacting = keepCompacting({ connection: this.#connection, interval, clock, logger, signal: closing });
  }

  currentRevision(): Revision {
    return this.#replica.index.currentRevision;
  }

  async waitFor(revision: Revision, signal: AbortSignal): Promise<void> {
    for (;;) {
      if (await this.#replica.reached(revision, shortPatienceMs, signal)) return;
      // Where the replica does not learn of it, a read of etcd itself will answer.
      if ((await this.#readIndex.current()) >= revision) return;
    }
  }

  async get(key: string, options: ReadOptions = {}) {
    const local = await this.#local(options);
    if (local !== undefined) {
      const { index } = this.#replica;
      const { entry } = index.get(key, options.revision);
      return { entry, revision: options.revision ?? index.currentRevision };
    }
    const answer = await this.#range({ key: Buffer.from(key) }, options);
    const found = answer.kvs?.[0];
    return {
      entry: found && this.#shared(entryOf(found)),
      revision: options.revision ?? numberOf(answer.header?.revision),
    };
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    const local = await this.#local(options);
    if (local !== undefined) return this.#replica.index.list(prefix, options);
    const { limit, from, revision } = options;
    // etcd takes 0 for no limit; one entry too many costs little.
    const range = { ...rangeOf(this.#below(prefix), from), ...(limit !== undefined && { limit: Math.max(limit, 1) }) };
    const answer = await this.#range(range, options);
    const entries = (answer.kvs ?? []).map((each) => this.#shared(entryOf(each)));
    if (limit === 0) entries.length = 0;
    return {
      entries,
      revision: revision ?? numberOf(answer.header?.revision),
      remaining: Math.max(numberOf(answer.count) - entries.length, 0),
    };
  }

  async count(prefix: string): Promise<number> {
    if (await this.#local({})) return this.#replica.index.count(prefix);
    const answer = await this.#range({ ...rangeOf(this.#below(prefix)), count_only: true }, {});
    return numberOf(answer.count);
  }

  async create(key: string, value: Uint8Array, options?: WriteOptions): Promise<StoredEntry> {
    const { answer, found, moved } = await this.#put(key, value, 0, options);
    if (!answer.succeeded && !found && moved.length > 0) throw new FencedError(key, moved);
    if (!answer.succeeded) throw new KeyExistsError(`${key} exists already${found ? '' : ', or did'}`);
    const revision = numberOf(answer.header?.revision);
    return this.#shared({ key, value, createRevision: revision, modRevision: revision });
  }

  async update(key: string, value: Uint8Array, expected: Revision, options?: WriteOptions): Promise<StoredEntry> {
    const { answer, found, moved } = await this.#put(key, value, Math.max(expected, 1), options);
    if (!answer.succeeded && found?.modRevision === expected && moved.length > 0) throw new FencedError(key, moved);
    if (!answer.succeeded) throw new RevisionMismatchError(key, expected, found);
    const kv = answer.responses?.[1]?.response_range?.kvs?.[0];
    const revision = numberOf(answer.header?.revision);
    return this.#shared({ key, value, createRevision: numberOf(kv?.create_revision), modRevision: revision });
  }

  async delete(key: string, expected: Revision) {
    const bytes = Buffer.from(key);
    const answer = await this.#write({
      compare: [{ target: compareTarget.modRevision, key: bytes, mod_revision: Math.max(expected, 1) }],
      success: [{ request_delete_range: { key: bytes, prev_kv: true } }],
      failure: [{ request_range: { key: bytes } }],
    });
    const [first] = answer.responses ?? [];
    const found = answer.succeeded ? first?.response_delete_range?.prev_kvs?.[0] : first?.response_range?.kvs?.[0];
    const previous = found && this.#shared(entryOf(found));
    if (!answer.succeeded || !previous) throw new RevisionMismatchError(key, expected, previous);
    return { revision: numberOf(answer.header?.revision), previous };
  }

  async *watch(prefix: string, from: Revision, signal: AbortSignal): AsyncGenerator<readonly StorageEvent[]> {
    let position = from;
    if (position < this.#replica.index.compactedRevision) {
      for await (const batch of this.#watchHistory(prefix, from, signal)) {
        yield batch;
        position = batch.at(-1)?.revision ?? position;
        if (position >= this.#replica.index.compactedRevision) break;
      }
    }
    if (!signal.aborted) yield* this.#replica.feed.watch(prefix, position, signal);
  }

  async compact(revision: Revision): Promise<void> {
    try {
      await compactTo(this.#connection, revision);
    } catch (error) {
      if (failureOf(error).type === 'future') throw new FutureRevisionError(revision, await this.#readIndex.current());
      throw storageErrorOf(error, 'unknown');
    }
    this.#compacted = Math.max(this.#compacted, revision);
    await this.#replica.reached(revision, patienceMs);
    const { index } = this.#replica;
    index.compact(Math.min(revision, index.currentRevision));
  }

  freeze(): FrozenStore {
    throw new UnsupportedStorageError(
      'the cluster is kept in etcd: back it up with `etcdctl snapshot save`, and restore it with `etcdutl snapshot restore`',
    );
  }

  async healthy(): Promise<void> {
    if (this.#closing.signal.aborted) throw new StorageClosedError('the store is closed');
    await this.#askRevision({ within: healthMs });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new StorageClosedError('the store is closed'));
    await this.#compacting;
    await this.#replica.close();
    this.#connection.close();
  }

  /** Whether the replica may answer: it is current enough, and remembers the revision asked for. */
  async #local({ revision, atLeast, signal }: ReadOptions): Promise<true | undefined> {
    signal?.throwIfAborted();
    this.#assertOpen();
    const { index } = this.#replica;
    if (revision !== undefined) {
      if (revision < index.compactedRevision) return undefined;
      if (revision <= index.currentRevision) return true;
      const current = await this.#readIndex.current();
      if (revision > current) throw new FutureRevisionError(revision, current);
      return (await this.#caughtUp(revision, signal)) || undefined;
    }
    if (atLeast !== undefined && atLeast <= index.currentRevision) return true;
    const current = await this.#readIndex.current();
    signal?.throwIfAborted();
    return (await this.#caughtUp(current, signal)) || undefined;
  }

  #caughtUp(revision: Revision, signal: AbortSignal | undefined): Promise<boolean> {
    return this.#replica.reached(revision, this.#replica.knowsProgress ? patienceMs : shortPatienceMs, signal);
  }

  async #askRevision(options: { readonly within?: number; readonly signal?: AbortSignal }): Promise<Revision> {
    try {
      const key = Buffer.from(`${this.#root}health`);
      const { header } = await this.#connection.call(methods.range, { key, keys_only: true }, options);
      return numberOf(header?.revision);
    } catch (error) {
      this.#assertOpen();
      throw storageErrorOf(error, 'none');
    }
  }

  async #range(range: Message<'RangeRequest'>, { revision, signal }: ReadOptions): Promise<Message<'RangeResponse'>> {
    try {
      const request = { ...range, ...(revision !== undefined && { revision }) };
      return await this.#connection.call(methods.range, request, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      const { type } = failureOf(error);
      const asked = revision ?? 0;
      if (type === 'compacted') throw new CompactedError(asked, this.#compacted);
      if (type === 'future') throw new FutureRevisionError(asked, this.currentRevision());
      throw storageErrorOf(error, 'none');
    }
  }

  /** Puts if the key is at `expected`; 0: if there is none. */
  async #put(
    key: string,
    value: Uint8Array,
    expected: Revision,
    options: WriteOptions | undefined,
  ): Promise<{
    readonly answer: Message<'TxnResponse'>;
    readonly found: StoredEntry | undefined;
    readonly moved: readonly Fence[];
  }> {
    const fences = options?.fences ?? [];
    const bytes = Buffer.from(key);
    const forget = this.#ownWrites.expect(key, value);
    let succeeded = false;
    try {
      const answer = await this.#leased(options?.ttlSeconds, (lease) =>
        this.#write({
          compare: [
            { target: compareTarget.modRevision, key: bytes, mod_revision: expected },
            ...fences.map((each) => ({
              target: compareTarget.modRevision,
              key: Buffer.from(each.key),
              mod_revision: each.revision,
            })),
          ],
          success: [
            { request_put: { key: bytes, value, ...(lease !== undefined && { lease }) } },
            // Tells since when it has been there.
            ...(expected === 0 ? [] : [{ request_range: { key: bytes, keys_only: true } }]),
          ],
          failure: [
            { request_range: { key: bytes } },
            ...fences.map((each) => ({ request_range: { key: Buffer.from(each.key), keys_only: true } })),
          ],
        }),
      );
      succeeded = answer.succeeded ?? false;
      if (succeeded) return { answer, found: undefined, moved: [] };
      const [found, ...seen] = (answer.responses ?? []).map((each) => each.response_range?.kvs?.[0]);
      const moved = fences.filter(({ revision }, at) => numberOf(seen[at]?.mod_revision) !== revision);
      return { answer, found: found && this.#shared(entryOf(found)), moved };
    } finally {
      if (!succeeded) forget();
    }
  }

  async #leased<T>(ttlSeconds: number | undefined, write: (lease?: string) => Promise<T>): Promise<T> {
    if (ttlSeconds === undefined) return write();
    const lease = await this.#lease(ttlSeconds);
    try {
      return await write(lease);
    } catch (error) {
      if (!(error instanceof Error) || failureOf(error.cause).type !== 'no-lease') throw error;
      this.#leases.forget(ttlSeconds);
      return write(await this.#lease(ttlSeconds));
    }
  }

  async #lease(ttlSeconds: number): Promise<string> {
    try {
      return await this.#leases.leaseFor(ttlSeconds);
    } catch (error) {
      throw storageErrorOf(error, 'none');
    }
  }

  async #write(request: Message<'TxnRequest'>): Promise<Message<'TxnResponse'>> {
    this.#assertOpen();
    try {
      return await this.#connection.call(methods.txn, request, { write: true });
    } catch (error) {
      throw storageErrorOf(error, 'none');
    }
  }

  /** What the replica has of the same revision, so that everybody shares one value. */
  #shared(entry: StoredEntry): StoredEntry {
    const known = this.#replica.index.latest(entry.key);
    return known?.modRevision === entry.modRevision ? known : entry;
  }

  async *#watchHistory(prefix: string, from: Revision, signal: AbortSignal): AsyncGenerator<readonly StorageEvent[]> {
    const both = AbortSignal.any([signal, this.#closing.signal]);
    let position = from;
    while (!both.aborted) {
      try {
        const { news } = await WatchSession.open({
          connection: this.#connection,
          prefix: this.#below(prefix),
          from: position,
          previous: true,
          signal: both,
        });
        for await (const each of news) {
          if (each.type !== 'events') continue;
          position = each.events.at(-1)?.revision ?? position;
          yield each.events;
        }
      } catch (error) {
        if (both.aborted) return;
        if (error instanceof CompactedError) throw error;
        await this.#options.clock.sleep(100, both).catch(() => undefined);
      }
    }
  }

  /** Nothing outside of the root is of this store. */
  #below(prefix: string): string {
    return prefix.length < this.#root.length ? this.#root : prefix;
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new StorageClosedError('the store is closed');
  }
}

import type { Logger } from '@keelson/core';
import {
  EncryptionFailedError,
  type FrozenStore,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type Revision,
  RevisionMismatchError,
  type Storage,
  type StorageEvent,
  type StoredEntry,
  UnreadableEntryError,
  type WriteOptions,
} from '../contract.ts';
import type { EncryptionRules } from './encryption-rules.ts';
import { OpenedValues, type Placed } from './opened-values.ts';
import { encryptedPrefix } from './prefix-transformers.ts';
import { type Opened, startsWith } from './value-transformer.ts';

export interface EncryptedStorageOptions {
  readonly store: Storage;
  /** Those that hold now; they may be others later. */
  readonly rules: () => EncryptionRules;
  readonly logger: Logger;
  /** Rejects unless what the rules call is well. */
  readonly keysHealthy?: () => Promise<void>;
  /** Called when the store closes. */
  readonly close?: () => void;
}

/**
 * A store whose values are encrypted by rules before they reach the one beneath, and so its log, snapshots and backups.
 * The bytes that were written are those that readers get, as from a store without encryption.
 */
export class EncryptedStorage implements Storage {
  readonly #store: Storage;
  readonly #rules: () => EncryptionRules;
  readonly #logger: Logger;
  readonly #close: (() => void) | undefined;
  readonly #keysHealthy: (() => Promise<void>) | undefined;
  readonly #opened = new OpenedValues();
  /** What encrypted a value that somebody holds; absent: it was stored as it is. */
  readonly #origins = new WeakMap<Uint8Array, string>();

  constructor({ store, rules, logger, keysHealthy, close }: EncryptedStorageOptions) {
    this.#close = close;
    this.#keysHealthy = keysHealthy;
    this.#store = store;
    this.#rules = rules;
    this.#logger = logger;
  }

  currentRevision(): Revision {
    return this.#store.currentRevision();
  }

  waitFor(revision: Revision, signal: AbortSignal): Promise<void> {
    return this.#store.waitFor(revision, signal);
  }

  async get(key: string, options?: ReadOptions) {
    const answer = await this.#store.get(key, options);
    if (!answer.entry) return answer;
    const entry = this.#open(answer.entry);
    return { entry: entry instanceof Promise ? await entry : entry, revision: answer.revision };
  }

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const result = await this.#store.list(prefix, options);
    return { ...result, entries: await this.#openAll(result.entries) };
  }

  count(prefix: string): Promise<number> {
    return this.#store.count(prefix);
  }

  async create(key: string, value: Uint8Array, options?: WriteOptions): Promise<StoredEntry> {
    const sealed = this.#seal(key, value);
    return { ...(await this.#store.create(key, sealed, options)), value };
  }

  async update(key: string, value: Uint8Array, expected: Revision, options?: WriteOptions): Promise<StoredEntry> {
    const sealed = this.#seal(key, value);
    try {
      return { ...(await this.#store.update(key, sealed, expected, options)), value };
    } catch (error) {
      throw await this.#openMismatch(key, expected, error);
    }
  }

  async delete(key: string, expected: Revision) {
    try {
      const { revision, previous } = await this.#store.delete(key, expected);
      return { revision, previous: (await this.#openIfReadable(previous)) ?? previous };
    } catch (error) {
      throw await this.#openMismatch(key, expected, error);
    }
  }

  /**
   * A value that cannot be read is as if it were not there: its object appears or goes when it can be read, or is
   * written anew.
   */
  async *watch(prefix: string, from: Revision, signal: AbortSignal): AsyncGenerator<readonly StorageEvent[]> {
    for await (const batch of this.#store.watch(prefix, from, signal)) {
      const opened: StorageEvent[] = [];
      for (const each of batch) opened.push(await this.#openEvent(each));
      yield opened;
    }
  }

  compact(revision: Revision): Promise<void> {
    return this.#store.compact(revision);
  }

  /** Encrypted, as it is stored. */
  freeze(): FrozenStore {
    return this.#store.freeze();
  }

  healthy(): Promise<void> {
    return this.#store.healthy();
  }

  async keysHealthy(): Promise<void> {
    await this.#keysHealthy?.();
  }

  isStale(key: string, value: Uint8Array): boolean {
    const current = this.#rules().of(key)?.current() ?? 'identity';
    return (this.#origins.get(value) ?? 'identity') !== current;
  }

  async close(): Promise<void> {
    this.#close?.();
    await this.#store.close();
  }

  #seal(key: string, value: Uint8Array): Uint8Array {
    const transformer = this.#rules().of(key);
    if (!transformer) return value;
    let sealed: Uint8Array;
    try {
      sealed = transformer.seal(value, key);
    } catch (error) {
      throw new EncryptionFailedError(error instanceof Error ? error.message : String(error), { cause: error });
    }
    if (sealed !== value) this.#keep(sealed, { value, origin: transformer.current(), place: key });
    return sealed;
  }

  #keep(sealed: Uint8Array, opened: Placed): void {
    this.#opened.set(sealed, opened);
    this.#origins.set(opened.value, opened.origin);
  }

  /** Throws, or rejects with, `UnreadableEntryError`. */
  #open(entry: StoredEntry): StoredEntry | Promise<StoredEntry> {
    const { key, value, modRevision } = entry;
    // Plain values are the rule where only Secrets are encrypted.
    if (!startsWith(value, encryptedPrefix) && !this.#mustBeEncrypted(key)) return entry;
    const known = this.#opened.get(value, key);
    if (known) return { ...entry, value: known.value };
    const done = (opened: Opened): StoredEntry => {
      if (opened.value === value) return entry;
      this.#keep(value, { ...opened, place: key });
      return { ...entry, value: opened.value };
    };
    try {
      const opened = this.#rules().readerOf(key).open(value, key);
      if (!(opened instanceof Promise)) return done(opened);
      return opened.then(done, (error: unknown) => {
        throw new UnreadableEntryError(key, modRevision, error);
      });
    } catch (error) {
      throw new UnreadableEntryError(key, modRevision, error);
    }
  }

  #mustBeEncrypted(key: string): boolean {
    return this.#rules().of(key) !== undefined;
  }

  async #openAll(entries: readonly StoredEntry[]): Promise<readonly StoredEntry[]> {
    const opened: StoredEntry[] = new Array(entries.length);
    try {
      for (const [index, each] of entries.entries()) {
        const entry = this.#open(each);
        opened[index] = entry instanceof Promise ? await entry : entry;
      }
      return opened;
    } catch (error) {
      if (!(error instanceof UnreadableEntryError)) throw error;
      throw new UnreadableEntryError(error.key, error.revision, error.cause, { list: true });
    }
  }

  async #openIfReadable(entry: StoredEntry | undefined): Promise<StoredEntry | undefined> {
    if (!entry) return undefined;
    try {
      return await this.#open(entry);
    } catch (error) {
      if (!(error instanceof UnreadableEntryError)) throw error;
      this.#logger.error('a stored value cannot be read', { key: entry.key, error: error.message });
      return undefined;
    }
  }

  async #openEvent(event: StorageEvent): Promise<StorageEvent> {
    const { entry, previous } = event;
    const [now, before] = [await this.#openIfReadable(entry), await this.#openIfReadable(previous)];
    if (now === entry && before === previous) return event;
    return { ...event, type: now ? 'put' : 'delete', entry: now, previous: before };
  }

  async #openMismatch(key: string, expected: Revision, error: unknown): Promise<unknown> {
    if (!(error instanceof RevisionMismatchError) || !error.current) return error;
    const opened = await this.#openIfReadable(error.current);
    return new RevisionMismatchError(key, expected, opened ?? error.current);
  }
}

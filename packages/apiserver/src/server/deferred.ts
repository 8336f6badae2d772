import type { FrontProxyPki, KeyPair, Pki, SigningOptions, Subject } from '../pki/index.ts';
import type {
  FrozenStore,
  ListOptions,
  ListResult,
  ReadOptions,
  Revision,
  Storage,
  StorageEvent,
  StoredEntry,
  WriteOptions,
} from '../storage/contract.ts';

/** Holds what is opened in a phase of the start, for those who were made before. */
export class Deferred<T> {
  readonly #what: string;
  #value: T | undefined;

  constructor(what: string) {
    this.#what = what;
  }

  /** Throws before `value` was set. */
  get value(): T {
    if (this.#value === undefined) throw new Error(`${this.#what} is not open yet`);
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
  }

  get opened(): boolean {
    return this.#value !== undefined;
  }
}

/** A storage that opens in the phase `storage`. */
export class DeferredStorage implements Storage {
  readonly #inner = new Deferred<Storage>('the storage');

  async openWith(open: () => Promise<Storage>): Promise<void> {
    this.#inner.value = await open();
  }

  currentRevision(): Revision {
    return this.#inner.value.currentRevision();
  }
  waitFor(revision: Revision, signal: AbortSignal): Promise<void> {
    return this.#inner.value.waitFor(revision, signal);
  }
  get(key: string, options?: ReadOptions) {
    return this.#inner.value.get(key, options);
  }
  list(prefix: string, options?: ListOptions): Promise<ListResult> {
    return this.#inner.value.list(prefix, options);
  }
  count(prefix: string): Promise<number> {
    return this.#inner.value.count(prefix);
  }
  create(key: string, value: Uint8Array, options?: WriteOptions): Promise<StoredEntry> {
    return this.#inner.value.create(key, value, options);
  }
  update(key: string, value: Uint8Array, expected: Revision, options?: WriteOptions): Promise<StoredEntry> {
    return this.#inner.value.update(key, value, expected, options);
  }
  delete(key: string, expected: Revision) {
    return this.#inner.value.delete(key, expected);
  }
  watch(prefix: string, from: Revision, signal: AbortSignal): AsyncIterable<readonly StorageEvent[]> {
    return this.#inner.value.watch(prefix, from, signal);
  }
  compact(revision: Revision): Promise<void> {
    return this.#inner.value.compact(revision);
  }
  freeze(): FrozenStore {
    return this.#inner.value.freeze();
  }
  async healthy(): Promise<void> {
    await this.#inner.value.healthy();
  }
  isStale(key: string, value: Uint8Array): boolean {
    return this.#inner.value.isStale?.(key, value) ?? false;
  }
  async keysHealthy(): Promise<void> {
    await this.#inner.value.keysHealthy?.();
  }
  async close(): Promise<void> {
    if (this.#inner.opened) await this.#inner.value.close();
  }
}

/** Certificates that are opened in the phase `storage`. */
export class DeferredPki implements Pki {
  readonly #inner = new Deferred<Pki>('the PKI');

  async openWith(open: () => Promise<Pki>): Promise<void> {
    this.#inner.value = await open();
  }

  get ca(): string {
    return this.#inner.value.ca;
  }
  get server(): KeyPair {
    return this.#inner.value.server;
  }
  get admin(): KeyPair {
    return this.#inner.value.admin;
  }
  get kubeletClient(): KeyPair {
    return this.#inner.value.kubeletClient;
  }
  get frontProxy(): FrontProxyPki {
    return this.#inner.value.frontProxy;
  }
  get serviceAccountKey(): Pki['serviceAccountKey'] {
    return this.#inner.value.serviceAccountKey;
  }
  renew(): Promise<boolean> {
    return this.#inner.value.renew();
  }
  reloadServiceAccountKey(): Promise<void> {
    return this.#inner.value.reloadServiceAccountKey();
  }
  issueClient(subject: Subject): Promise<KeyPair> {
    return this.#inner.value.issueClient(subject);
  }
  sign(options: SigningOptions): Promise<string> {
    return this.#inner.value.sign(options);
  }
  issueServing(subject: Subject, hosts: readonly string[]): Promise<KeyPair> {
    return this.#inner.value.issueServing(subject, hosts);
  }
}

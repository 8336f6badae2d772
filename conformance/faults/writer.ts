import { type Client, ConfigMap, isStatusError, Namespace, StatusError } from '@keelson/core';
import { Rng } from '../twin/rng.ts';
import type { Truth } from './contract.ts';

export interface WriterOptions {
  readonly client: Client;
  readonly namespaces: readonly string[];
  readonly keysPerNamespace: number;
  readonly seed: string | number;
  /** Requests at once. */
  readonly concurrency: number;
}

interface Key {
  readonly namespace: string;
  readonly name: string;
  /** As the server has it; `undefined`: not there. */
  state: { readonly uid: string; readonly count: number } | undefined;
  count: number;
  busy: boolean;
}

const longestBurst = 2_000;
const longestPauseMs = 60;
const patienceMs = 60_000;
const pad = 'x'.repeat(200);
/** Objects of others in the same namespaces have other names. */
export const namePrefix = 'key-';

/** Creates, updates, deletes and creates again, straight to the server, and knows what is there. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #rng: Rng;
  readonly #keys: Key[];
  #client: Client;
  /** Events that it has made. */
  written = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#rng = new Rng(`writes ${options.seed}`);
    this.#keys = options.namespaces.flatMap((namespace) =>
      Array.from({ length: options.keysPerNamespace }, (_, at) => ({
        namespace,
        name: `${namePrefix}${at}`,
        state: undefined,
        count: 0,
        busy: false,
      })),
    );
  }

  set client(client: Client) {
    this.#client = client;
  }

  get truth(): Truth {
    const truth: Record<string, { uid: string; count: number }> = {};
    for (const { namespace, name, state } of this.#keys) if (state) truth[`${namespace}/${name}`] = state;
    return truth;
  }

  /** Makes the namespaces, those that are not there. */
  async prepare(): Promise<void> {
    for (const name of this.#options.namespaces) {
      try {
        await this.#client.create(Namespace, { metadata: { name }, spec: {} });
      } catch (error) {
        if (!isStatusError(error, 'AlreadyExists')) throw error;
      }
    }
  }

  /** Writes until there are `events` in all, in bursts; then nothing is under way. Rejects where the server stays away. */
  async until(events: number, signal: AbortSignal): Promise<void> {
    while (this.written < events) {
      signal.throwIfAborted();
      const burst = Math.min(events, this.written + 50 + this.#rng.int(longestBurst));
      await Promise.all(
        Array.from({ length: this.#options.concurrency }, async () => {
          while (this.written < burst && !signal.aborted) await this.#one(signal);
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, this.#rng.int(longestPauseMs)));
    }
  }

  async #one(signal: AbortSignal): Promise<void> {
    const free = this.#pick();
    free.busy = true;
    try {
      await this.#write(free, signal);
    } finally {
      free.busy = false;
    }
  }

  #pick(): Key {
    // Far more keys than requests at once: a free one is soon found.
    for (;;) {
      const key = this.#rng.pick(this.#keys);
      if (!key.busy) return key;
    }
  }

  async #write(key: Key, signal: AbortSignal): Promise<void> {
    const { namespace, name, state } = key;
    const [client, chance] = [this.#client, this.#rng.next()];
    try {
      if (state && chance < 0.15) {
        await client.delete(ConfigMap, { namespace, name });
        key.state = undefined;
      } else {
        key.count += 1;
        const object = {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { namespace, name },
          data: { count: String(key.count), pad },
        };
        const written = state
          ? await client.update<ConfigMap>(ConfigMap, object)
          : await client.create<ConfigMap>(ConfigMap, object);
        key.state = stateOf(written);
      }
      this.written += 1;
    } catch (error) {
      const before = key.state;
      await this.#ask(key, error, signal);
      if (key.state?.uid !== before?.uid || key.state?.count !== before?.count) this.written += 1;
    }
  }

  /** What came of a write without an answer: the server knows. */
  async #ask(key: Key, cause: unknown, signal: AbortSignal): Promise<void> {
    const { namespace, name } = key;
    for (const end = performance.now() + patienceMs; ; ) {
      try {
        key.state = stateOf(await this.#client.get(ConfigMap, { namespace, name }));
        return;
      } catch (error) {
        if (isStatusError(error, 'NotFound')) {
          key.state = undefined;
          return;
        }
        signal.throwIfAborted();
        if (performance.now() > end)
          throw new Error(`the server does not answer: ${error instanceof Error ? error.message : error}`, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function stateOf(object: ConfigMap): { readonly uid: string; readonly count: number } {
  const count = Number(object.data?.['count']);
  const { uid } = object.metadata;
  if (uid === undefined || !Number.isInteger(count))
    throw StatusError.internal(`the server gave back something else: ${JSON.stringify(object).slice(0, 200)}`);
  return { uid, count };
}

import type { KubernetesObject } from '@keelson/core';
import type { FindParams } from '../admission/index.ts';
import type { RegistryContext } from './context.ts';
import { followStored } from './follow-stored.ts';
import type { Kind } from './kind.ts';
import type { StoredObject } from './stored-object.ts';
import { readOne } from './stored-versions.ts';

/** What nobody has asked about for so long is followed no longer. */
const idleMs = 5 * 60_000;

/** What policies take their parameters from: objects of any kind that is served, in the version that is asked for. */
export class PolicyParams {
  readonly #context: () => RegistryContext;
  readonly #closed: AbortSignal;
  /** By apiVersion and kind; made anew when a definition has changed. */
  #kinds: ReadonlyMap<string, Kind> | undefined;
  #followsCatalog = false;
  /** By the prefix of their keys: all versions of a kind are one object. */
  readonly #feeds = new Map<string, ParamFeed>();

  /** @param context asked for with the first request */
  constructor(context: () => RegistryContext, closed: AbortSignal) {
    this.#context = context;
    this.#closed = closed;
  }

  readonly find: FindParams = ({ apiVersion = '', kind: name = '' }) => {
    const kind = this.#kindOf(apiVersion, name);
    if (!kind) return undefined;
    const { namespaced } = kind.served;
    const objectsIn = async (namespace: string) =>
      (await this.#feed(kind.prefix).objects()).get(namespaced ? namespace : '');
    const read = async (stored: StoredObject): Promise<KubernetesObject> =>
      kind.serve(await readOne(kind, stored)).object;
    return {
      namespaced,
      async get(each, namespace = '') {
        const stored = (await objectsIn(namespace))?.get(each);
        return stored && read(stored);
      },
      async list(namespace = '') {
        return Promise.all([...((await objectsIn(namespace))?.values() ?? [])].map(read));
      },
    };
  };

  #kindOf(apiVersion: string, name: string): Kind | undefined {
    this.#kinds ??= this.#readCatalog();
    return this.#kinds.get(`${apiVersion} ${name}`);
  }

  #readCatalog(): ReadonlyMap<string, Kind> {
    const { catalog } = this.#context();
    if (!this.#followsCatalog) {
      this.#followsCatalog = true;
      const subscription = catalog.changes$.subscribe(() => {
        this.#kinds = undefined;
      });
      this.#closed.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
    }
    const kinds = new Map<string, Kind>();
    for (const { group, version, resource, kind, verbs } of catalog.list()) {
      const found = verbs.includes('get') ? catalog.kind(group, version, resource) : undefined;
      if (found) kinds.set(`${found.apiVersion} ${kind}`, found);
    }
    return kinds;
  }

  #feed(prefix: string): ParamFeed {
    let feed = this.#feeds.get(prefix);
    if (!feed) {
      feed = new ParamFeed(this.#context(), prefix, this.#closed, () => this.#feeds.delete(prefix));
      this.#feeds.set(prefix, feed);
    }
    return feed;
  }
}

type ByNamespace = ReadonlyMap<string, ReadonlyMap<string, StoredObject>>;

/** The objects of a kind by namespace and name, as they come, change and go: a request looks at what is in memory. */
class ParamFeed {
  readonly #context: RegistryContext;
  readonly #prefix: string;
  readonly #closed: AbortSignal;
  readonly #ended: () => void;
  readonly #stop = new AbortController();
  readonly #objects = new Map<string, Map<string, StoredObject>>();
  #begun: Promise<void> | undefined;
  #asked = 0;

  /** @param ended told when it is of no use any more */
  constructor(context: RegistryContext, prefix: string, closed: AbortSignal, ended: () => void) {
    this.#context = context;
    this.#prefix = prefix;
    this.#closed = closed;
    this.#ended = ended;
  }

  /** Rejects where they cannot be read; the next to ask tries again. */
  async objects(): Promise<ByNamespace> {
    this.#asked = this.#context.clock.now();
    this.#begun ??= this.#begin();
    await this.#begun;
    return this.#objects;
  }

  async #begin(): Promise<void> {
    const signal = AbortSignal.any([this.#closed, this.#stop.signal]);
    try {
      await followStored(this.#context, this.#prefix, this.#tell, signal);
    } catch (error) {
      this.#ended();
      throw error;
    }
    this.#endWhenIdle(idleMs);
  }

  readonly #tell = (key: string, object: StoredObject | undefined): void => {
    const slash = key.indexOf('/');
    const namespace = slash < 0 ? '' : key.slice(0, slash);
    const name = key.slice(slash + 1);
    const known = this.#objects.get(namespace);
    if (object) {
      if (known) known.set(name, object);
      else this.#objects.set(namespace, new Map([[name, object]]));
      return;
    }
    known?.delete(name);
    if (known?.size === 0) this.#objects.delete(namespace);
  };

  #endWhenIdle(ms: number): void {
    const { clock } = this.#context;
    const cancel = clock.after(ms, () => {
      this.#closed.removeEventListener('abort', cancel);
      const left = this.#asked + idleMs - clock.now();
      if (left > 0) {
        this.#endWhenIdle(left);
        return;
      }
      this.#ended();
      this.#stop.abort();
    });
    this.#closed.addEventListener('abort', cancel, { once: true });
  }
}

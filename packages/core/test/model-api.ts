import {
  type ApiRequest,
  applyMergePatch,
  deepEqual,
  isJsonObject,
  type KubernetesObject,
  objectKey,
  StatusError,
  type Transport,
  type WatchEvent,
} from '@keelson/core';

interface Logged {
  readonly revision: number;
  readonly collection: string;
  readonly event: WatchEvent<KubernetesObject>;
}

interface Stream {
  /** What is to be sent; a compaction takes nothing from a watch that is on. */
  readonly queue: Logged[];
  wake(): void;
  end: { readonly error?: unknown } | undefined;
}

/**
 * As much of an API as informers and controllers rest upon, in memory and with its faults at hand: revisions, pages,
 * watches that resume, history that is lost. No validation, no defaults.
 */
export class ModelApi implements Transport {
  readonly requests: ApiRequest[] = [];
  /** Whether watches may begin with everything there is; a server without that refuses them. */
  streamsLists = true;
  /** Whether it sends bookmarks, the one at the end of a streamed list included. */
  sendsBookmarks = true;
  /** Called before each request; what it throws is the answer. */
  fault: (request: ApiRequest) => void = () => undefined;
  #revision = 1;
  #held = false;
  #compacted = 0;
  #uid = 0;
  readonly #objects = new Map<string, Map<string, KubernetesObject>>();
  #log: Logged[] = [];
  readonly #streams = new Set<Stream>();
  /** Objects of a list, as they stood when its first page was asked for. */
  readonly #pages = new Map<string, { readonly revision: number; readonly left: readonly KubernetesObject[] }>();

  get watches(): number {
    return this.#streams.size;
  }

  /** Writes other than by a client are none: counts what changed something. */
  get writes(): readonly ApiRequest[] {
    return this.requests.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb));
  }

  /** Ends every open watch, with an error if given. */
  endWatches(error?: unknown): void {
    for (const each of this.#streams) {
      each.end = { error };
      each.wake();
    }
  }

  /** Forgets the history: watches from before are refused, pages under way too. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#log = [];
    this.#pages.clear();
  }

  /** As if the store had been put back to its beginning: empty, and counting from there. Ends the watches. */
  restore(): void {
    this.#objects.clear();
    this.#revision = 1;
    this.#compacted = 0;
    this.#log = [];
    this.#pages.clear();
    this.endWatches(new Error('the server has gone'));
  }

  /** From now on watches are sent nothing, until `release`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    for (const each of this.#streams) each.wake();
  }

  /** Sends a bookmark with the latest revision. */
  bookmark(collection: string): void {
    const object = { metadata: { name: '', resourceVersion: String(this.#revision) } };
    this.#append(collection, { type: 'BOOKMARK', object });
  }

  async request(request: ApiRequest): Promise<unknown> {
    this.requests.push(request);
    this.fault(request);
    request.signal?.throwIfAborted();
    const { verb, name } = request;
    if (verb === 'list') return this.#list(request);
    if (verb === 'create') return this.#create(request);
    const existing = this.#collection(request).get(keyOf(request));
    if (!existing && request.patchType === 'application/apply-patch+yaml') return this.#create(request);
    if (!existing) throw StatusError.notFound(request, name ?? '');
    if (verb === 'get') return existing;
    if (verb === 'delete') return this.#delete(request, existing);
    if (verb === 'patch' || verb === 'update') return this.#update(request, existing);
    throw StatusError.methodNotAllowed(verb);
  }

  async *watch(request: ApiRequest): AsyncGenerator<WatchEvent<KubernetesObject>> {
    this.requests.push(request);
    this.fault(request);
    const { signal } = request;
    const streamed = request.options?.sendInitialEvents === true;
    if (streamed && !this.streamsLists) {
      throw StatusError.of(422, 'Invalid', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch');
    }
    const seen = Number(request.options?.resourceVersion ?? this.#revision);
    if (seen > this.#revision) {
      throw StatusError.of(504, 'Timeout', `Too large resource version: ${seen}, current: ${this.#revision}`);
    }
    if (seen < this.#compacted) throw StatusError.expired(`too old resource version: ${seen} (${this.#compacted})`);
    let wake: () => void = () => undefined;
    const queue = this.#log.filter(({ revision }) => revision > seen);
    const stream: Stream = { queue, wake: () => wake(), end: undefined };
    const abort = () => wake();
    this.#streams.add(stream);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (streamed) {
        const initial = [...this.#collection(request).values()].filter((each) => inScope(request, each));
        const annotations = { 'k8s.io/initial-events-end': 'true' };
        const end = { metadata: { name: '', resourceVersion: String(seen), annotations } };
        for (const object of initial) {
          yield { type: 'ADDED', object };
          signal?.throwIfAborted();
          // Cut off in the middle.
          if (stream.end) {
            if (stream.end.error !== undefined) throw stream.end.error;
            return;
          }
        }
        if (this.sendsBookmarks) yield { type: 'BOOKMARK', object: end };
      }
      for (;;) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        for (let next = this.#take(queue); next; next = this.#take(queue)) {
          const { collection, event } = next;
          if (collection !== collectionOf(request)) continue;
          if (!inScope(request, event.object) && event.type !== 'BOOKMARK') continue;
          if (event.type !== 'BOOKMARK' || this.sendsBookmarks) yield event;
        }
        signal?.throwIfAborted();
        if (stream.end) {
          if (stream.end.error !== undefined) throw stream.end.error;
          return;
        }
        await woken;
      }
    } finally {
      this.#streams.delete(stream);
      signal?.removeEventListener('abort', abort);
    }
  }

  async raw(): Promise<string> {
    throw StatusError.methodNotAllowed('raw');
  }

  #take(queue: Logged[]): Logged | undefined {
    return this.#held ? undefined : queue.shift();
  }

  #list(request: ApiRequest): unknown {
    const { limit, continue: token } = request.options ?? {};
    const page = token ? this.#pages.get(token) : undefined;
    if (token && !page) throw StatusError.expired('The provided continue parameter is too old');
    const revision = page?.revision ?? this.#revision;
    const all = page?.left ?? [...this.#collection(request).values()].filter((each) => inScope(request, each));
    const items = limit ? all.slice(0, limit) : all;
    const left = all.slice(items.length);
    const next = left.length > 0 ? `page-${this.#pages.size}-${revision}-${left.length}` : undefined;
    if (next) this.#pages.set(next, { revision, left });
    return { metadata: { resourceVersion: String(revision), ...(next && { continue: next }) }, items };
  }

  #create(request: ApiRequest): KubernetesObject {
    const body = objectIn(request.body);
    const key = objectKey({ name: body.metadata.name, ...(request.namespace && { namespace: request.namespace }) });
    const collection = this.#collection(request);
    if (collection.has(key)) throw StatusError.alreadyExists(request, body.metadata.name);
    this.#uid += 1;
    const metadata = {
      ...body.metadata,
      ...(request.namespace && { namespace: request.namespace }),
      uid: `uid-${this.#uid}`,
      generation: 1,
    };
    return this.#store(request, key, 'ADDED', { ...body, metadata });
  }

  #update(request: ApiRequest, existing: KubernetesObject): KubernetesObject {
    const merged = request.verb === 'patch' ? applyMergePatch(jsonOf(existing), jsonOf(request.body)) : request.body;
    const next = objectIn(merged);
    const { resourceVersion } = next.metadata;
    if (resourceVersion && resourceVersion !== existing.metadata.resourceVersion) {
      throw StatusError.conflict(request, existing.metadata.name);
    }
    if (deepEqual(next, existing)) return existing;
    if (next.metadata.deletionTimestamp && !next.metadata.finalizers?.length) return this.#remove(request, next);
    const { generation = 1 } = existing.metadata;
    const changed = deepEqual(contentOf(next), contentOf(existing)) ? generation : generation + 1;
    const counted = { ...next, metadata: { ...next.metadata, generation: changed } };
    return this.#store(request, keyOf(request), 'MODIFIED', counted);
  }

  #delete(request: ApiRequest, existing: KubernetesObject): KubernetesObject {
    if (existing.metadata.finalizers?.length) {
      if (existing.metadata.deletionTimestamp) return existing;
      const metadata = { ...existing.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
      return this.#store(request, keyOf(request), 'MODIFIED', { ...existing, metadata });
    }
    return this.#remove(request, existing);
  }

  #remove(request: ApiRequest, object: KubernetesObject): KubernetesObject {
    this.#collection(request).delete(keyOf(request));
    return this.#append(collectionOf(request), { type: 'DELETED', object });
  }

  #store(request: ApiRequest, key: string, type: 'ADDED' | 'MODIFIED', object: KubernetesObject): KubernetesObject {
    const stored = this.#append(collectionOf(request), { type, object });
    this.#collection(request).set(key, stored);
    return stored;
  }

  #append(collection: string, { type, object }: WatchEvent<KubernetesObject>): KubernetesObject {
    this.#revision += 1;
    const stamped = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#revision) } };
    const logged: Logged = { revision: this.#revision, collection, event: { type, object: stamped } };
    this.#log.push(logged);
    for (const each of this.#streams) {
      each.queue.push(logged);
      each.wake();
    }
    return stamped;
  }

  #collection(request: ApiRequest): Map<string, KubernetesObject> {
    const name = collectionOf(request);
    const collection = this.#objects.get(name) ?? new Map<string, KubernetesObject>();
    this.#objects.set(name, collection);
    return collection;
  }
}

function collectionOf({ group, resource }: ApiRequest): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function keyOf({ name = '', namespace }: ApiRequest): string {
  return objectKey({ name, ...(namespace && { namespace }) });
}

function inScope({ namespace, options }: ApiRequest, { metadata }: KubernetesObject): boolean {
  if (namespace && metadata.namespace !== namespace) return false;
  const name = /^metadata\.name=(.+)$/.exec(options?.fieldSelector ?? '')?.[1];
  return name === undefined || metadata.name === name;
}

/** What the generation counts. */
function contentOf(object: KubernetesObject): object {
  const { metadata: _, ...content } = object;
  return { ...content, status: undefined };
}

function jsonOf(value: unknown) {
  const parsed: unknown = JSON.parse(JSON.stringify(value));
  if (!isJsonObject(parsed)) throw StatusError.badRequest('not an object');
  return parsed;
}

function objectIn(value: unknown): KubernetesObject {
  if (typeof value === 'object' && value !== null && 'metadata' in value) {
    const { metadata } = value;
    if (typeof metadata === 'object' && metadata !== null && 'name' in metadata && typeof metadata.name === 'string') {
      return { ...value, metadata: { ...metadata, name: metadata.name } };
    }
  }
  throw StatusError.badRequest('the object has no metadata.name');
}

import type { KubernetesObject, ResourceType, Status } from '../api/index.ts';
import type { CallOptions, Client, NewObject, ObjectList, Patch, Transport, WatchEvent } from '../client/index.ts';
import { type Clock, type ObjectKey, type ObjectRef, objectKey } from '../machinery/index.ts';
import { changedFields } from './changed-fields.ts';
import type { TracedRead, TracedWrite } from './trace.ts';

/** What came of a write. */
export interface Written {
  readonly type: ResourceType;
  readonly key: ObjectKey;
  /** As it is now; `undefined` where it is gone. */
  readonly object: KubernetesObject | undefined;
  /** Of what is gone, as far as the server said. */
  readonly uid?: string | undefined;
}

export interface ClientObserver {
  readonly clock: Clock;
  /** An object as a cache holds it, if one does. */
  known(type: ResourceType, key: ObjectKey): KubernetesObject | undefined;
  /** Sends a request. */
  send<R>(act: () => Promise<R>): Promise<R>;
  /** In development: where the call comes from. */
  place?(): string | undefined;
  read(read: TracedRead): void;
  /** Called when the answer is there. `written` is absent where it failed, and for dry runs. */
  wrote(write: TracedWrite, written?: Written): void;
}

type Namespaced = CallOptions & { readonly namespace?: string };

/** Passes everything on, and tells what was read and written. */
export class TrackedClient implements Client {
  readonly #client: Client;
  readonly #observer: ClientObserver;

  constructor(client: Client, observer: ClientObserver) {
    this.#client = client;
    this.#observer = observer;
  }

  get transport(): Transport {
    return this.#client.transport;
  }

  get<T extends KubernetesObject>(type: ResourceType<T>, ref: ObjectRef, options?: CallOptions): Promise<T> {
    return this.#read(type, keyIn(type, ref), () => this.#client.get(type, ref, options));
  }

  list<T extends KubernetesObject>(type: ResourceType<T>, options?: Namespaced): Promise<ObjectList<T>> {
    return this.#read(type, `${options?.namespace ?? ''}/*`, () => this.#client.list(type, options));
  }

  watch<T extends KubernetesObject>(type: ResourceType<T>, options?: Namespaced): AsyncIterable<WatchEvent<T>> {
    return this.#client.watch(type, options);
  }

  watchBatches<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: Namespaced,
  ): AsyncIterable<readonly WatchEvent<T>[]> {
    return this.#client.watchBatches(type, options);
  }

  create<T extends KubernetesObject>(type: ResourceType<T>, object: NewObject<T>, options?: CallOptions): Promise<T> {
    const { name = object.metadata.generateName ?? '', namespace } = object.metadata;
    return this.#object('create', type, { name, ...(namespace && { namespace }) }, options, () =>
      this.#client.create(type, object, options),
    );
  }

  update<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T> {
    return this.#object('update', type, object.metadata, options, () => this.#client.update(type, object, options));
  }

  updateStatus<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T> {
    return this.#object('update status', type, object.metadata, options, () =>
      this.#client.updateStatus(type, object, options),
    );
  }

  patch<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Patch,
    options?: CallOptions & { readonly subresource?: string },
  ): Promise<T> {
    const verb = 'apply' in patch ? 'apply' : 'patch';
    return this.#object(options?.subresource ? `${verb} ${options.subresource}` : verb, type, ref, options, () =>
      this.#client.patch(type, ref, patch, options),
    );
  }

  delete<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options?: CallOptions,
  ): Promise<T | Status> {
    return this.#observe(
      'delete',
      type,
      ref,
      options,
      () => this.#client.delete(type, ref, options),
      (answer) =>
        // With finalizers or a grace period it is still there.
        'metadata' in answer && isObject(answer) && answer.metadata.deletionTimestamp !== undefined && isKept(answer)
          ? answer
          : undefined,
    );
  }

  deleteCollection<T extends KubernetesObject>(type: ResourceType<T>, options?: Namespaced): Promise<void> {
    return this.#client.deleteCollection(type, options);
  }

  createSubresource<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    subresource: string,
    body: unknown,
    options?: CallOptions,
  ): Promise<unknown> {
    return this.#client.createSubresource(type, ref, subresource, body, options);
  }

  async #read<R>({ kind }: ResourceType, key: ObjectKey, send: () => Promise<R>): Promise<R> {
    const { clock, place } = this.#observer;
    const line = place?.();
    const at = clock.now();
    const told = (error?: unknown) =>
      this.#observer.read({
        kind,
        key,
        from: 'server',
        at,
        tookMs: clock.now() - at,
        ...(line !== undefined && { line }),
        ...(error !== undefined && { error: messageOf(error) }),
      });
    try {
      const answer = await this.#observer.send(send);
      told();
      return answer;
    } catch (error) {
      told(error);
      throw error;
    }
  }

  #object<T extends KubernetesObject>(
    verb: string,
    type: ResourceType,
    ref: ObjectRef,
    options: CallOptions | undefined,
    send: () => Promise<T>,
  ): Promise<T> {
    return this.#observe(verb, type, ref, options, send, (object) => object);
  }

  async #observe<R>(
    verb: string,
    type: ResourceType,
    ref: ObjectRef,
    options: CallOptions | undefined,
    send: () => Promise<R>,
    left: (answer: R) => KubernetesObject | undefined,
  ): Promise<R> {
    const { clock } = this.#observer;
    const at = clock.now();
    const line = this.#observer.place?.();
    const write = { verb, kind: type.kind, key: keyIn(type, ref), at, ...(line !== undefined && { line }) };
    // Asked for before the event of this very write can be in the cache.
    const before = verb === 'create' ? undefined : this.#observer.known(type, write.key);
    try {
      const answer = await this.#observer.send(send);
      const object = left(answer);
      const key = object ? keyIn(type, object.metadata) : write.key;
      const resourceVersion = object?.metadata.resourceVersion;
      const traced = {
        ...write,
        key,
        tookMs: clock.now() - at,
        ...(resourceVersion && { resourceVersion }),
        ...(object && before && comparison(before, object, this.#observer.place !== undefined)),
      };
      if (options?.dryRun?.length) this.#observer.wrote(traced);
      else this.#observer.wrote(traced, { type, key, object, ...(!object && { uid: uidIn(answer) }) });
      return answer;
    } catch (error) {
      this.#observer.wrote({ ...write, tookMs: clock.now() - at, error: messageOf(error) });
      throw error;
    }
  }
}

/** Which fields differ is looked at in development only: it takes time. */
function comparison(
  before: KubernetesObject,
  after: KubernetesObject,
  development: boolean,
): Pick<TracedWrite, 'noOp' | 'changes'> {
  const { resourceVersion } = after.metadata;
  if (resourceVersion !== undefined && before.metadata.resourceVersion === resourceVersion) return { noOp: true };
  return development ? { changes: changedFields(before, after) } : {};
}

/** A namespaced object that names no namespace is in `default`, as everywhere in the client. */
function keyIn(type: ResourceType, { name, namespace }: ObjectRef): ObjectKey {
  return objectKey({ name, ...(type.namespaced && { namespace: namespace ?? 'default' }) });
}

function isObject(answer: object): answer is KubernetesObject {
  return (
    'metadata' in answer && typeof answer.metadata === 'object' && answer.metadata !== null && 'name' in answer.metadata
  );
}

/** Of what a deletion has taken away: the server answers with the object, or with a Status that names it. */
function uidIn(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const named = 'details' in answer ? answer.details : 'metadata' in answer ? answer.metadata : undefined;
  if (typeof named !== 'object' || named === null || !('uid' in named)) return undefined;
  return typeof named.uid === 'string' ? named.uid : undefined;
}

function isKept({ metadata }: KubernetesObject): boolean {
  return (metadata.finalizers?.length ?? 0) > 0 || (metadata.deletionGracePeriodSeconds ?? 0) > 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import type { KubernetesObject, ResourceType, Status } from '../api/index.ts';
import type { ObjectRef } from '../machinery/index.ts';
import type { CallOptions, Client, NewObject, ObjectList, Patch, Transport, Verb, WatchEvent } from './contract.ts';

/** One call of a client, whatever its method. */
export interface ClientCall {
  readonly verb: Exclude<Verb, 'watch' | 'connect'>;
  readonly type: ResourceType;
  /** The object; of a list or a deletion of many, the namespace with no name. */
  readonly ref: ObjectRef;
  readonly subresource?: string;
  /** A patch by server-side apply. */
  readonly applies?: true;
  readonly options: CallOptions | undefined;
}

/** What stands between a client and whoever calls it. */
export interface ClientHook {
  /** Sends the call, or rejects. */
  call<R>(call: ClientCall, send: () => Promise<R>): Promise<R>;
  /** Called before a watch begins; throws where it must not. */
  watch?(type: ResourceType): void;
}

/** The same client with a hook around each call. Its `transport` is that of the client, and passes by the hook. */
export function wrapClient(client: Client, hook: ClientHook): Client {
  return new WrappedClient(client, hook);
}

type Namespaced = CallOptions & { readonly namespace?: string };

class WrappedClient implements Client {
  readonly #client: Client;
  readonly #hook: ClientHook;

  constructor(client: Client, hook: ClientHook) {
    this.#client = client;
    this.#hook = hook;
  }

  get transport(): Transport {
    return this.#client.transport;
  }

  get<T extends KubernetesObject>(type: ResourceType<T>, ref: ObjectRef, options?: CallOptions): Promise<T> {
    return this.#hook.call({ verb: 'get', type, ref, options }, () => this.#client.get(type, ref, options));
  }

  list<T extends KubernetesObject>(type: ResourceType<T>, options?: Namespaced): Promise<ObjectList<T>> {
    return this.#hook.call({ verb: 'list', type, ref: manyIn(options), options }, () =>
      this.#client.list(type, options),
    );
  }

  watch<T extends KubernetesObject>(type: ResourceType<T>, options?: Namespaced): AsyncIterable<WatchEvent<T>> {
    this.#hook.watch?.(type);
    return this.#client.watch(type, options);
  }

  watchBatches<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: Namespaced,
  ): AsyncIterable<readonly WatchEvent<T>[]> {
    this.#hook.watch?.(type);
    return this.#client.watchBatches(type, options);
  }

  create<T extends KubernetesObject>(type: ResourceType<T>, object: NewObject<T>, options?: CallOptions): Promise<T> {
    const { name = object.metadata.generateName ?? '', namespace } = object.metadata;
    const ref = { name, ...(namespace && { namespace }) };
    return this.#hook.call({ verb: 'create', type, ref, options }, () => this.#client.create(type, object, options));
  }

  update<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T> {
    return this.#hook.call({ verb: 'update', type, ref: object.metadata, options }, () =>
      this.#client.update(type, object, options),
    );
  }

  updateStatus<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T> {
    return this.#hook.call({ verb: 'update', type, ref: object.metadata, subresource: 'status', options }, () =>
      this.#client.updateStatus(type, object, options),
    );
  }

  patch<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Patch,
    options?: CallOptions & { readonly subresource?: string },
  ): Promise<T> {
    const subresource = options?.subresource;
    const call: ClientCall = {
      verb: 'patch',
      type,
      ref,
      ...(subresource !== undefined && { subresource }),
      ...('apply' in patch && { applies: true }),
      options,
    };
    return this.#hook.call(call, () => this.#client.patch(type, ref, patch, options));
  }

  delete<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options?: CallOptions,
  ): Promise<T | Status> {
    return this.#hook.call({ verb: 'delete', type, ref, options }, () => this.#client.delete(type, ref, options));
  }

  deleteCollection<T extends KubernetesObject>(type: ResourceType<T>, options?: Namespaced): Promise<void> {
    return this.#hook.call({ verb: 'deletecollection', type, ref: manyIn(options), options }, () =>
      this.#client.deleteCollection(type, options),
    );
  }

  createSubresource<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    subresource: string,
    body: unknown,
    options?: CallOptions,
  ): Promise<unknown> {
    return this.#hook.call({ verb: 'create', type, ref, subresource, options }, () =>
      this.#client.createSubresource(type, ref, subresource, body, options),
    );
  }
}

const manyIn = (options: Namespaced | undefined): ObjectRef => ({
  name: '',
  ...(options?.namespace !== undefined && { namespace: options.namespace }),
});

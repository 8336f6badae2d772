import { apiVersionOf, type KubernetesObject, type ResourceType, type Status } from '../api/index.ts';
import { isStatusError, type ObjectRef } from '../machinery/index.ts';
import type {
  ApiRequest,
  CallOptions,
  Client,
  NewObject,
  ObjectList,
  Patch,
  PatchType,
  RequestOptions,
  Transport,
  Verb,
  WatchEvent,
} from './contract.ts';

/** Objects a page when a list is read whole. */
export const pageSize = 500;

type Call = CallOptions & { readonly namespace?: string; readonly subresource?: string };

/**
 * The typed way to the API: one method a verb, over any transport. A namespaced object that names no namespace is in
 * `default`; lists, watches and deletions of collections without a namespace are of all namespaces.
 */
export function createClient(transport: Transport): Client {
  return new TransportClient(transport);
}

class TransportClient implements Client {
  readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  get<T extends KubernetesObject>(type: ResourceType<T>, ref: ObjectRef, options?: CallOptions): Promise<T> {
    return this.#send<T>('get', type, { name: ref.name, namespace: ref.namespace }, options);
  }

  async list<T extends KubernetesObject>(
    type: ResourceType<T>,
    options: CallOptions & { readonly namespace?: string } = {},
  ): Promise<ObjectList<T>> {
    const page = (more: RequestOptions) =>
      this.#send<ObjectList<T>>('list', type, { namespace: options.namespace }, { ...options, ...more });
    if (options.limit !== undefined) return page({});
    const first = await page({ limit: pageSize });
    const items = [...first.items];
    for (let token = first.metadata.continue; token; ) {
      try {
        // A continuation names its own revision; the server refuses another beside it.
        const next = await page({
          limit: pageSize,
          continue: token,
          resourceVersion: undefined,
          resourceVersionMatch: undefined,
        });
        items.push(...next.items);
        token = next.metadata.continue;
      } catch (error) {
        // The snapshot behind the token was compacted away: only an undivided list is still consistent.
        if (isStatusError(error, 'Expired', 'Gone')) return page({});
        throw error;
      }
    }
    const { continue: _, remainingItemCount: __, ...metadata } = first.metadata;
    return { ...first, metadata, items };
  }

  watch<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: CallOptions & { readonly namespace?: string },
  ): AsyncIterable<WatchEvent<T>> {
    const request = toRequest('watch', type, { namespace: options?.namespace }, options);
    // The resource type is what says which kind of object comes back.
    return this.transport.watch(request) as AsyncIterable<WatchEvent<T>>;
  }

  watchBatches<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: CallOptions & { readonly namespace?: string },
  ): AsyncIterable<readonly WatchEvent<T>[]> {
    const request = toRequest('watch', type, { namespace: options?.namespace }, options);
    const { transport } = this;
    // As in `watch`: the resource type says which kind comes back.
    return (transport.watchBatches?.(request) ?? singly(transport.watch(request))) as AsyncIterable<
      readonly WatchEvent<T>[]
    >;
  }

  create<T extends KubernetesObject>(type: ResourceType<T>, object: NewObject<T>, options?: CallOptions): Promise<T> {
    return this.#send<T>('create', type, { namespace: object.metadata.namespace }, options, {
      body: typed(type, object),
    });
  }

  update<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T> {
    return this.#update(type, object, options, undefined);
  }

  updateStatus<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T> {
    return this.#update(type, object, options, 'status');
  }

  patch<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Patch,
    options: CallOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const { patchType, body, parameters } = encodePatch(type, ref, patch);
    return this.#send<T>(
      'patch',
      type,
      { name: ref.name, namespace: ref.namespace, subresource: options.subresource },
      { ...options, ...parameters },
      { body, patchType },
    );
  }

  delete<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options?: CallOptions,
  ): Promise<T | Status> {
    return this.#send<T | Status>('delete', type, { name: ref.name, namespace: ref.namespace }, options);
  }

  async deleteCollection<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: CallOptions & { readonly namespace?: string },
  ): Promise<void> {
    await this.#send<unknown>('deletecollection', type, { namespace: options?.namespace }, options);
  }

  createSubresource<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    subresource: string,
    body: unknown,
    options?: CallOptions,
  ): Promise<unknown> {
    return this.#send<unknown>('create', type, { name: ref.name, namespace: ref.namespace, subresource }, options, {
      body,
    });
  }

  #update<T extends KubernetesObject>(
    type: ResourceType<T>,
    object: T,
    options: CallOptions | undefined,
    subresource: string | undefined,
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    return this.#send<T>('update', type, { name, namespace, subresource }, options, { body: typed(type, object) });
  }

  #send<R>(
    verb: Verb,
    type: ResourceType,
    target: Pick<ApiRequest, 'name' | 'namespace' | 'subresource'>,
    options?: Call,
    content?: Pick<ApiRequest, 'body' | 'patchType'>,
  ): Promise<R> {
    // The server answers with the kind that the resource type names; this is where that promise becomes a type.
    return this.transport.request({ ...toRequest(verb, type, target, options), ...content }) as Promise<R>;
  }
}

function toRequest(
  verb: Verb,
  type: ResourceType,
  target: Pick<ApiRequest, 'name' | 'namespace' | 'subresource'>,
  options: Call = {},
): ApiRequest {
  const { signal, metadataOnly, withoutManagedFields, namespace: _, subresource: __, ...parameters } = options;
  const collection = verb === 'list' || verb === 'watch' || verb === 'deletecollection';
  if (!collection && verb !== 'create' && !target.name) {
    throw new TypeError(`${verb} ${type.plural}: metadata.name is missing`);
  }
  const namespace = type.namespaced ? (target.namespace ?? (collection ? undefined : 'default')) : undefined;
  return {
    verb,
    group: type.group,
    version: type.version,
    resource: type.plural,
    ...(target.subresource && { subresource: target.subresource }),
    ...(namespace && { namespace }),
    ...(target.name && { name: target.name }),
    options: parameters,
    ...(signal && { signal }),
    ...(metadataOnly && { metadataOnly }),
    ...(withoutManagedFields && { withoutManagedFields }),
  };
}

async function* singly<E>(events: AsyncIterable<E>): AsyncGenerator<readonly E[]> {
  for await (const each of events) yield [each];
}

function typed(type: ResourceType, object: object): object {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

function encodePatch(
  type: ResourceType,
  ref: ObjectRef,
  patch: Patch,
): { readonly patchType: PatchType; readonly body: unknown; readonly parameters?: RequestOptions } {
  if ('json' in patch) return { patchType: 'application/json-patch+json', body: patch.json };
  if ('merge' in patch) return { patchType: 'application/merge-patch+json', body: patch.merge };
  if ('strategic' in patch) return { patchType: 'application/strategic-merge-patch+json', body: patch.strategic };
  const { apply, fieldManager, force } = patch;
  return {
    patchType: 'application/apply-patch+yaml',
    body: typeof apply === 'object' && apply !== null ? named(ref, typed(type, apply)) : apply,
    parameters: { fieldManager, ...(force !== undefined && { force }) },
  };
}

/** The server wants the name in what is applied, although it stands in the path. */
function named<O extends object>({ name }: ObjectRef, object: O): O {
  const metadata: unknown = 'metadata' in object ? object.metadata : undefined;
  const given = typeof metadata === 'object' && metadata !== null ? metadata : {};
  return 'name' in given ? object : { ...object, metadata: { ...given, name } };
}

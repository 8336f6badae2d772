import type { KubernetesObject, ListMeta, ObjectMeta, ResourceType, Status } from '../api/index.ts';
import type { ObjectRef } from '../machinery/index.ts';
import { token } from '../plugin/index.ts';

/** The verbs of RBAC; `connect` stands for exec, attach, port-forward and proxy. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | 'connect';

/** Media types of the four ways to patch. */
export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml';

/** Everything that can stand in the query string or DeleteOptions of a request, under Kubernetes' names. */
export interface RequestOptions {
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly timeoutSeconds?: number;
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly dryRun?: readonly string[];
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  readonly force?: boolean;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  /** What came before `propagationPolicy`, and excludes it: whether dependents stay. */
  readonly orphanDependents?: boolean;
  readonly gracePeriodSeconds?: number;
  /** Deletes what the store cannot read, unseen: no finalizer and no admission is asked. */
  readonly ignoreStoreReadErrorWithClusterBreakingPotential?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** One request to the API, free of any wire format: what a client's transport sends and what the API server handles. */
export interface ApiRequest {
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  /** Plural resource name. */
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly options?: RequestOptions;
  /** A decoded object, or a decoded patch (an array for JSON patch). Never changed by the callee. */
  readonly body?: unknown;
  readonly patchType?: PatchType;
  /** Which program asks, as its user agent tells: who owns what it writes, where the options name no field manager. */
  readonly program?: string;
  /**
   * Where the body was read from text: all that strict decoding finds in it, given the unknown fields, in the order in
   * which Kubernetes tells it. Keys given twice can be seen in the text only.
   */
  readonly bodyFindings?: (unknown: readonly string[]) => readonly string[];
  /** Takes down what is done, where the server keeps an audit log. */
  readonly record?: RequestRecord;
  readonly signal?: AbortSignal;
  /** For reads: only what every kind has, as `PartialObjectMetadata` (meta.k8s.io/v1). A transport may ignore it. */
  readonly metadataOnly?: boolean;
  /** For watches: the caller has no use for `metadata.managedFields`. A transport may leave them out, or not. */
  readonly withoutManagedFields?: boolean;
}

/** What an audit log is told of one request. */
export interface RequestRecord {
  /** Whether what is sent is taken down, and not only that it was sent. */
  readonly takesRequest: boolean;
  /** The object that was sent, decoded and with defaults, before anybody has changed it. */
  sentObject(object: object): void;
  /** Notes something with the request. */
  annotate(key: string, value: string): void;
}

/** An event of a watch. That of a BOOKMARK has no object but its version. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** A list as the server gives it, of one page or of all. */
export interface ObjectList<T> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

/**
 * Carries requests to an API server: over HTTP by kubeconfig, or in the same process without sockets or copies.
 * Both authenticate, authorise and admit alike; both reject with `StatusError`, and with `signal.reason` when aborted.
 */
export interface Transport {
  /** Objects that come out are the server's own: to keep a part of one takes more memory than to share the whole. */
  readonly sharesObjects?: boolean;
  request(request: ApiRequest): Promise<unknown>;
  /** Ends when the server ends the watch; an ERROR event is thrown as `StatusError` (410 `Expired` means: list anew). */
  watch(request: ApiRequest): AsyncIterable<WatchEvent<KubernetesObject>>;
  /** As `watch`, by what arrived together: for whoever reads hundreds of thousands of events. */
  watchBatches?(request: ApiRequest): AsyncIterable<readonly WatchEvent<KubernetesObject>[]>;
  /** A GET or POST below a path that is no resource, such as `/version`; resolves to the body's text. */
  raw(method: 'GET' | 'POST', path: string, body?: string, signal?: AbortSignal): Promise<string>;
}

/**
 * What `create` takes: the server fills in the rest. `apiVersion` and `kind` come from the resource type. Where a type says
 * by `__input` what may be left out (`defineResource` does for fields with defaults), that is left to the server too; so
 * is a `spec` in which nothing must be said.
 */
export type NewObject<T extends KubernetesObject> = Content<T> & {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Partial<ObjectMeta>;
};

type Content<T> = '__input' extends keyof T
  ? Omit<T, 'apiVersion' | 'kind' | 'metadata' | '__input' | keyof NonNullable<T['__input']>> &
      NonNullable<T['__input']>
  : WithoutEmptySpec<Omit<T, 'apiVersion' | 'kind' | 'metadata'>>;

type WithoutEmptySpec<T> = T extends { readonly spec: infer Spec }
  ? Partial<Spec> extends Spec
    ? Omit<T, 'spec'> & { readonly spec?: Spec }
    : T
  : T;

/** Operations of RFC 6902. */
export type JsonPatch = readonly {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}[];

/** A partial object under `merge`, `strategic` or `apply`; a list of operations under `json`. */
export type Patch =
  | { readonly json: JsonPatch }
  | { readonly merge: unknown }
  | { readonly strategic: unknown }
  | { readonly apply: unknown; readonly fieldManager: string; readonly force?: boolean };

/** Options of a single call. */
export interface CallOptions extends RequestOptions, Pick<ApiRequest, 'metadataOnly' | 'withoutManagedFields'> {
  readonly signal?: AbortSignal;
}

/** `ref` accepts an object's `metadata` as it is. */
export interface Client {
  readonly transport: Transport;
  get<T extends KubernetesObject>(type: ResourceType<T>, ref: ObjectRef, options?: CallOptions): Promise<T>;
  /** One page if `limit` is set, else everything; without `namespace`, all namespaces. */
  list<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: CallOptions & { readonly namespace?: string },
  ): Promise<ObjectList<T>>;
  watch<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: CallOptions & { readonly namespace?: string },
  ): AsyncIterable<WatchEvent<T>>;
  /** As `watch`, by what arrived together. */
  watchBatches<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: CallOptions & { readonly namespace?: string },
  ): AsyncIterable<readonly WatchEvent<T>[]>;
  create<T extends KubernetesObject>(type: ResourceType<T>, object: NewObject<T>, options?: CallOptions): Promise<T>;
  /** Rejects with `Conflict` unless `metadata.resourceVersion` (if set) is the latest. */
  update<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T>;
  updateStatus<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T>;
  patch<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Patch,
    options?: CallOptions & { readonly subresource?: string },
  ): Promise<T>;
  delete<T extends KubernetesObject>(type: ResourceType<T>, ref: ObjectRef, options?: CallOptions): Promise<T | Status>;
  deleteCollection<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: CallOptions & { readonly namespace?: string },
  ): Promise<void>;
  /** POST to a subresource that is not the object itself: `binding`, `eviction`, `token`. */
  createSubresource<T extends KubernetesObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    subresource: string,
    body: unknown,
    options?: CallOptions,
  ): Promise<unknown>;
}

/** The client of the plugin that asks, with that plugin's own identity. */
export const Client = token<Client>('Client');

/** Makes clients by identity; what stands behind `Client`. Provided by the embedded API server, or by a kubeconfig. */
export interface Clients {
  as(user: { readonly name: string; readonly groups?: readonly string[] }): Client;
}
export const Clients = token<Clients>('Clients');

import type {
  ApiRequest,
  FieldRequirement,
  KubernetesObject,
  LabelRequirement,
  ListMeta,
  WatchEvent,
} from '@keelson/core';
import type { Observable } from 'rxjs';

/** `authentication.k8s.io/v1` UserInfo: who asks, as authentication found. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** A column of a Table; `path` is a simplified JSONPath for columns of custom resources. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly priority: number;
  readonly path?: string;
}

/** A subresource of a kind, such as `status` or `scale`. */
export interface ServedSubresource {
  readonly name: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly string[];
}

/** An OpenAPI v3 schema as both the table and CRDs give it, `ref` resolved by name in the table (absent in CRDs). */
export interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly [extension: string]: unknown;
}

/** A kind that the server serves now, built in or from a CRD: what discovery, OpenAPI and tables are made from. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** What tells clients in discovery that objects are stored in another version than before. */
  readonly storageVersionHash?: string;
  readonly subresources: readonly ServedSubresource[];
  /** Name in the definitions table for a built-in kind. */
  readonly definition?: string;
  /** The structural schema of a custom resource's version. */
  readonly schema?: Schema;
  readonly columns: readonly PrinterColumn[];
  /** The warning about a custom resource's version that will not stay. */
  readonly deprecation?: string;
  /** Whether items of a JSON list carry apiVersion and kind: custom resources do, built-in kinds do not. */
  readonly custom: boolean;
}

/** A group with its versions, the preferred one first. */
export interface GroupVersions {
  readonly group: string;
  readonly versions: readonly string[];
}

/** What one CRD serves now instead of what it served before. */
export interface CatalogChange {
  readonly before: readonly ServedResource[];
  readonly after: readonly ServedResource[];
}

/** The kinds that an API server serves at present. */
export interface ResourceCatalog {
  list(): readonly ServedResource[];
  /** What is served in one version of a group: the same list until that changes. */
  inVersion(group: string, version: string): readonly ServedResource[];
  find(group: string, version: string, resource: string): ServedResource | undefined;
  /** Whether a group is one of Kubernetes' own, with kinds that are served. */
  hasBuiltIn(group: string): boolean;
  /** Groups in the order of discovery: the same list until a group or a version of one comes or goes. */
  groups(): readonly GroupVersions[];
  /** After a CRD came, changed or went. */
  readonly changes$: Observable<CatalogChange>;
}

/** An object that is stored, with its JSON as it goes over the wire (`{"kind":…,"apiVersion":…,"metadata":…`), encoded once; a line's end may follow. */
export interface EncodedObject {
  /** Decoded when it is first asked for. */
  readonly object: KubernetesObject;
  readonly json: Uint8Array;
  /** The JSON in the order of its pieces, without a line's end, where that spares a copy. */
  jsonPieces?(): readonly [Uint8Array, Uint8Array, Uint8Array];
  /** The JSON of its metadata, as `jsonPieces`, where that spares looking into the rest. */
  metadataPieces?(): readonly [Uint8Array, Uint8Array] | undefined;
  /** The object for whoever looks into it once: what is not decoded yet is not kept decoded. */
  peek?(): KubernetesObject;
  /** Its metadata, likewise. */
  peekMetadata?(): KubernetesObject['metadata'];
  /** Its protobuf message, once somebody has asked for it: kept here by the HTTP face, which alone knows that form. */
  protobuf?: Uint8Array | undefined;
}

/** A list as the registry gives it: its items are encoded already. */
export interface ListAnswer {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ListMeta;
  readonly items: readonly EncodedObject[];
}

/** `text` of a BOOKMARK or of an object; the watch ends by throwing `StatusError` (sent as an ERROR event) or by return. */
export interface EncodedWatchEvent {
  readonly type: WatchEvent<KubernetesObject>['type'];
  readonly value: EncodedObject;
}

/** What the registry answers to a request that succeeds. */
export type ApiAnswer =
  | {
      readonly type: 'object';
      readonly code: 200 | 201 | 202;
      readonly resource: ServedResource;
      readonly value: EncodedObject;
      readonly warnings?: readonly string[];
    }
  | {
      readonly type: 'list';
      readonly resource: ServedResource;
      readonly value: ListAnswer;
      readonly warnings?: readonly string[];
    }
  | {
      readonly type: 'watch';
      readonly resource: ServedResource;
      readonly events: AsyncIterable<readonly EncodedWatchEvent[]>;
      /** Resolves when the watch is on and what there is already waits in `events`: whether there is any. */
      readonly begun: Promise<boolean>;
    };

/**
 * The API behind every face: HTTP and the in-process client both end here, after authentication.
 * Order: find the resource, authorise, decode and default, admit, validate, store. Rejects with `StatusError`.
 */
export interface ApiHandler {
  readonly catalog: ResourceCatalog;
  handle(request: ApiRequest, user: UserInfo): Promise<ApiAnswer>;
}

/** A connection to a pod, a service or a node, as it is asked for. */
export interface ConnectionRequest {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace?: string;
  readonly name: string;
  readonly query: URLSearchParams;
  /** Of a proxied request: the path below the proxy. */
  readonly rest?: string;
  readonly signal?: AbortSignal;
}

/** Admission of what is no write. */
export interface ConnectionAdmission {
  /** Resolves to the query and path as admission has changed them. Rejects with `StatusError`. */
  admitConnection(request: ConnectionRequest, user: UserInfo): Promise<Pick<ConnectionRequest, 'query' | 'rest'>>;
}

/** Who wants to do what: a resource request, or one for a path. */
export interface AuthorizationRequest {
  readonly user: UserInfo;
  readonly verb: string;
  /** Resource requests. */
  readonly group?: string;
  readonly version?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** What lists, watches and deletions of collections are narrowed to; absent also where it cannot be read. */
  readonly fieldSelector?: readonly FieldRequirement[];
  readonly labelSelector?: readonly LabelRequirement[];
  /** Non-resource requests, such as `/healthz`. */
  readonly path?: string;
}

/** What an authorizer says. */
export interface AuthorizationDecision {
  readonly allowed: boolean;
  /** Not merely without opinion: nobody else is asked. */
  readonly denied?: true;
  readonly reason: string;
  /** What kept an authorizer from deciding. */
  readonly error?: string;
}

/** Decides at once where it can: from its own indexed cache. A promise only where somebody else has to be asked; it never rejects. */
export interface Authorizer {
  authorize(request: AuthorizationRequest): AuthorizationDecision | Promise<AuthorizationDecision>;
}

import type { Observable } from 'rxjs';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { ObjectKey } from '../machinery/index.ts';
import { token } from '../plugin/index.ts';

/** A change of the informer's store; `key` is always set. Initial objects come as `added`. */
export type InformerEvent<T> =
  | { readonly type: 'added'; readonly key: ObjectKey; readonly object: T; readonly listed?: true }
  | {
      readonly type: 'updated';
      readonly key: ObjectKey;
      readonly object: T;
      readonly previous: T;
      /** A list told of it, not the watch: more than one change may lie between. */
      readonly listed?: true;
    }
  | {
      readonly type: 'deleted';
      readonly key: ObjectKey;
      /** As it was when it went; with `finalStateUnknown`, as it was last seen. */
      readonly object: T;
      /** It went while nobody watched: what happened to it before is not known. */
      readonly finalStateUnknown?: true;
    };

/** Which objects of an informer; all conditions must hold. */
export interface Query<T> {
  readonly namespace?: string;
  /** kubectl's form (`app=web,tier in (a,b)`), or labels that it must have. */
  readonly labels?: string | Readonly<Record<string, string>>;
  /** Those that the named index files under `value`. */
  readonly by?: { readonly index: string; readonly value: string };
  readonly filter?: (object: T) => boolean;
}

/**
 * The objects that a query finds, now and from now on. As an Observable it gives the present ones at once and a new
 * array after each change, at most one a turn of the event loop; it is kept up from event to event, never computed anew.
 */
export interface LiveQuery<T> extends Observable<readonly T[]> {
  /** The present ones. The array is shared until the next change. */
  readonly value: readonly T[];
  /** What came into the result (`added`), changed in it, or left it (`deleted`), as it happens. */
  readonly changes$: Observable<InformerEvent<T>>;
}

/** Reads of the local cache: synchronous, indexed, and sharing one immutable object with every other reader. */
export interface Lister<T> {
  get(key: ObjectKey): T | undefined;
  list(): readonly T[];
  inNamespace(namespace: string): readonly T[];
  /** Objects that the named index files under `value`. Throws if there is no such index. */
  by(index: string, value: string): readonly T[];
}

/** Is told what is read from caches; for development, since it takes time. */
export interface CacheReads {
  /** Called once for each cache; what it returns, with each object that is read, or `undefined` for all at once. */
  observe(cache: { readonly type: ResourceType; readonly lister: Lister<KubernetesObject> }): ReadObserver;
}
/** Is told the objects that were read; `undefined`: all of a cache at once. */
export type ReadObserver = (read: readonly KubernetesObject[] | undefined) => void;

export const CacheReads = token<CacheReads>('CacheReads');

/** How an informer fares. */
export interface InformerHealth {
  /**
   * `live`: the cache follows the server. `failing`: the last attempts failed, and the cache grows old. `waiting`: it has
   * not begun, or is of an optional kind that is not served.
   */
  readonly phase: 'waiting' | 'syncing' | 'live' | 'failing' | 'stopped';
  /** Failures in a row. */
  readonly failures: number;
  /** Of the last failure, while it fails. */
  readonly error?: unknown;
}

/** What an informer holds, and since when; for metrics and health checks. Times are milliseconds since the epoch. */
export interface InformerStatus {
  readonly type: ResourceType;
  readonly scope: { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string };
  readonly metadataOnly: boolean;
  readonly synced: boolean;
  readonly objects: number;
  readonly health: InformerHealth;
  /** When the server last told that the cache is up to date, by an event, a bookmark or a list. */
  readonly freshAt: number | undefined;
  /** Since when all attempts fail; `undefined` while it does not fail. */
  readonly failingSince: number | undefined;
}

/** A cache of the objects of one kind and scope that follows the server, shared by all who ask for it. */
export interface Informer<T extends KubernetesObject = KubernetesObject> {
  readonly type: ResourceType<T>;
  readonly lister: Lister<T>;
  /** Later changes only; whoever subscribes late reads the lister first. Hot, never completes before stop, never errors. */
  readonly events$: Observable<InformerEvent<T>>;
  /** The first list is in the store. */
  readonly synced: boolean;
  readonly health: InformerHealth;
  /** Every change up to this one is in the store; `undefined` before the first list. */
  readonly resourceVersion: string | undefined;
  waitForSync(signal?: AbortSignal): Promise<void>;
  /**
   * Resolves when the store holds every change up to the resource version, as a write's answer names it; also when the
   * server's history began anew, with smaller ones. Rejects with `signal.reason`, or when the informer is stopped.
   */
  waitForVersion(resourceVersion: string, signal?: AbortSignal): Promise<void>;
  /** Whether the object is one of those that the informer watches. */
  selects(object: KubernetesObject): boolean;
  /** A live query over the store. */
  where(query?: Query<T>): LiveQuery<T>;
  /** Declares an index; the same name twice with another function is an error. */
  addIndex(name: string, values: (object: T) => readonly string[]): void;
}

/** What an informer watches, and what it keeps of it. Whoever asks for the same shares one informer. */
export interface InformerOptions<T extends KubernetesObject = KubernetesObject> {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Default: the factory's; without them an object takes about half of the memory. */
  readonly keepManagedFields?: boolean;
  /**
   * Whether the kind may not be served, or not yet: while it is not, the informer counts as synced and has no objects,
   * so that nobody waits for it. That it is served is noticed within seconds.
   */
  readonly optional?: boolean;
  /** Called for each object before anybody sees it; makes another one, and leaves its argument and its name as they are. */
  transform?(object: T): T;
}

/** An informer that runs at least until it is released. */
export interface InformerLease<T extends KubernetesObject> extends Disposable {
  readonly informer: Informer<T>;
  /** Once nobody else holds it the informer stops, and its memory is free. A second call does nothing. */
  release(): void;
}

/** Hands out shared informers: one for each kind, scope and cluster in a process. */
export interface Informers {
  /** Runs until the factory stops. */
  for<T extends KubernetesObject>(type: ResourceType<T>, options?: InformerOptions<T>): Informer<T>;
  /** Objects with nothing but `apiVersion`, `kind` and `metadata`; runs until the factory stops. */
  metadata(type: ResourceType, options?: InformerOptions): Informer;
  /** Runs while somebody holds it. */
  lease<T extends KubernetesObject>(type: ResourceType<T>, options?: InformerOptions<T>): InformerLease<T>;
  /** What is there as `added`, then every change; the informer runs while somebody subscribes. */
  observe<T extends KubernetesObject>(
    type: ResourceType<T>,
    options?: InformerOptions<T>,
  ): Observable<InformerEvent<T>>;
}

export const Informers = token<Informers>('Informers');

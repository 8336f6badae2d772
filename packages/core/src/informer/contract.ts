import type { Observable } from 'rxjs';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { ObjectKey } from '../machinery/index.ts';
import { token } from '../plugin/index.ts';

/** A change of the informer's store; `key` is always set. Initial objects come as `added`. */
export type InformerEvent<T> =
  | { readonly type: 'added'; readonly key: ObjectKey; readonly object: T }
  | { readonly type: 'updated'; readonly key: ObjectKey; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly key: ObjectKey; readonly object: T };

/** Reads of the local cache: synchronous, indexed, and sharing one immutable object with every other reader. */
export interface Lister<T> {
  get(key: ObjectKey): T | undefined;
  list(): readonly T[];
  inNamespace(namespace: string): readonly T[];
  /** Objects that the named index files under `value`. Throws if there is no such index. */
  by(index: string, value: string): readonly T[];
}

export interface Informer<T extends KubernetesObject = KubernetesObject> {
  readonly type: ResourceType<T>;
  readonly lister: Lister<T>;
  /** Later changes only; whoever subscribes late reads the lister first. Hot, never completes before stop, never errors. */
  readonly events$: Observable<InformerEvent<T>>;
  /** The first list is in the store. */
  readonly synced: boolean;
  waitForSync(signal?: AbortSignal): Promise<void>;
  /** Declares an index; the same name twice with another function is an error. */
  addIndex(name: string, values: (object: T) => readonly string[]): void;
}

export interface InformerOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Hands out shared informers: one for each kind and scope in a process, started when first asked for. */
export interface Informers {
  for<T extends KubernetesObject>(type: ResourceType<T>, options?: InformerOptions): Informer<T>;
}

export const Informers = token<Informers>('Informers');

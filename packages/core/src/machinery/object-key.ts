import type { KubernetesObject } from '../api/index.ts';

/** What queues and caches hold: `namespace/name`, or `name` for a cluster-scoped object. */
export type ObjectKey = string;

/** Which object of a kind; without a namespace where the kind has none. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string;
}

/** `namespace/name`, or the name alone. */
export function objectKey(ref: ObjectRef): ObjectKey {
  return ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name;
}

/** The object's key: `namespace/name`, or the name alone. */
export function keyOf(object: KubernetesObject): ObjectKey {
  return objectKey(object.metadata);
}

/**
 * The key of an object in one of several clusters: `cluster:namespace/name`, or `cluster:/name`, so that what stands
 * before the slash tells apart whose turn it is. Names of clusters have no colon.
 */
export function clusterKey(cluster: string, key: ObjectKey): ObjectKey {
  return key.includes('/') ? `${cluster}:${key}` : `${cluster}:/${key}`;
}

/** What `clusterKey` has put together. */
export function splitClusterKey(key: ObjectKey): { readonly cluster: string; readonly key: ObjectKey } {
  const colon = key.indexOf(':');
  const rest = key.slice(colon + 1);
  return { cluster: key.slice(0, colon), key: rest.startsWith('/') ? rest.slice(1) : rest };
}

/** The name and namespace in a key; the opposite of `objectKey`. */
export function refOf(key: ObjectKey): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

import type { KubernetesObject } from '../api/index.ts';

/** What queues and caches hold: `namespace/name`, or `name` for a cluster-scoped object. */
export type ObjectKey = string;

export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string;
}

export function objectKey(ref: ObjectRef): ObjectKey {
  return ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name;
}

export function keyOf(object: KubernetesObject): ObjectKey {
  return objectKey(object.metadata);
}

export function refOf(key: ObjectKey): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

import { isObject, type Json } from './draft.ts';
import type { Kind } from './kind.ts';
import { emptyObject } from './ownership/record-owners.ts';

/** Their replicas are a pointer on the wire, and a plain number within Kubernetes. */
const withReplicas: ReadonlySet<string> = new Set(['deployments', 'replicasets', 'statefulsets']);

/** An object of the kind that holds nothing, as Kubernetes sends it with a bookmark. */
export function blankObject(kind: Kind): Readonly<Json> {
  const empty = emptyObject(kind);
  const { group, resource } = kind.served;
  if (group !== 'apps' || !withReplicas.has(resource)) return empty;
  return { ...empty, spec: { replicas: 0, ...(isObject(empty['spec']) && empty['spec']) } };
}

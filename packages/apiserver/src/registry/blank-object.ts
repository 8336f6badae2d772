import { isObject, type Json } from './draft.ts';
import type { Kind } from './kind.ts';
import { emptyObject } from './ownership/record-owners.ts';

/** Their replicas are a pointer on the wire, and a plain number within Kubernetes. */
const withReplicas: ReadonlySet<string> = new Set(['deployments', 'replicasets', 'statefulsets']);

/** A number within Kubernetes, and an annotation on the wire. */
const generationAnnotation = 'deprecated.daemonset.template.generation';

export interface Blank {
  readonly object: Readonly<Json>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An object of the kind that holds nothing, as Kubernetes sends it with a bookmark. */
export function blankObject(kind: Kind): Blank {
  const empty = emptyObject(kind);
  const { group, resource } = kind.served;
  if (group !== 'apps') return { object: empty };
  if (resource === 'daemonsets') return { object: empty, annotations: { [generationAnnotation]: '0' } };
  if (!withReplicas.has(resource)) return { object: empty };
  return { object: { ...empty, spec: { replicas: 0, ...(isObject(empty['spec']) && empty['spec']) } } };
}

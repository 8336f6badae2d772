import { type Binding, type KubernetesObject, Node, Pod } from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';

/** What a pod is told of where it runs (KEP-4742). */
const topologyLabels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** Pods that come to a node take over in which zone and region it is, so that they can ask for it by their own labels. */
export function podTopologyLabels({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    resources: [Pod],
    async admit(attributes) {
      const { operation, object } = attributes;
      const name = operation === 'CREATE' && object ? nodeOf(attributes, object) : undefined;
      if (!name || !object) return undefined;
      const { labels } = (await reader.get(Node, name))?.metadata ?? {};
      const known = topologyLabels.filter((key) => labels?.[key] !== undefined);
      if (known.length === 0) return undefined;
      const taken = Object.fromEntries(known.map((key) => [key, labels?.[key] ?? '']));
      return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...taken } } };
    },
  };
}

/** The registry has decoded the object as the kind of what is asked for. */
function nodeOf({ subresource }: AdmissionAttributes, object: KubernetesObject): string | undefined {
  if (!subresource) return (object as Pod).spec.nodeName;
  const { target } = subresource === 'binding' ? (object as Binding) : {};
  return target && (target.kind === 'Node' || !target.kind) ? target.name : undefined;
}

import {
  type NewObject,
  ownerReferenceTo,
  type PersistentVolumeClaim,
  type Pod,
  type PodTemplateSpec,
  StatefulSet,
  type Volume,
} from '@keelson/core';

export const revisionLabel = 'controller-revision-hash';
const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

export function startOf({ spec }: StatefulSet): number {
  return spec.ordinals?.start ?? 0;
}

export function replicasOf({ spec }: StatefulSet): number {
  return spec.replicas ?? 1;
}

export function podName(set: StatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

/** The ordinal of a pod whose name is one of this set's; undefined for any other. */
export function ordinalOf(set: StatefulSet, name: string): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(name);
  return match?.[1] === set.metadata.name ? Number(match[2]) : undefined;
}

export function revisionOf(pod: Pod): string {
  return pod.metadata.labels?.[revisionLabel] ?? '';
}

export function claimName(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata.name}-${set.metadata.name}-${ordinal}`;
}

/** The pod of an ordinal: its name, host name and claims are its own for good. */
export function newPod(set: StatefulSet, template: PodTemplateSpec, ordinal: number, revision: string): NewObject<Pod> {
  if (template.spec === undefined) throw new Error(`StatefulSet ${set.metadata.name}: its pod template has no spec`);
  const name = podName(set, ordinal);
  const from = template.metadata;
  const spec = { ...template.spec, hostname: name, subdomain: set.spec.serviceName ?? '' };
  const volumes = volumesOf(set, template.spec.volumes ?? [], ordinal);
  return {
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      labels: {
        ...from?.labels,
        [podNameLabel]: name,
        [podIndexLabel]: String(ordinal),
        [revisionLabel]: revision,
      },
      ...(from?.annotations && { annotations: from.annotations }),
      ...(from?.finalizers && { finalizers: from.finalizers }),
      ownerReferences: [ownerReferenceTo(set, StatefulSet)],
    },
    spec: { ...spec, ...(volumes.length > 0 && { volumes }) },
  };
}

/** The claims come first in alphabetical order, and take the place of volumes with the same name. */
function volumesOf(set: StatefulSet, own: readonly Volume[], ordinal: number): readonly Volume[] {
  const claims = [...(set.spec.volumeClaimTemplates ?? [])]
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map((template) => ({
      name: template.metadata.name,
      persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
    }));
  const taken = new Set(claims.map((each) => each.name));
  return [...claims, ...own.filter((each) => !taken.has(each.name))];
}

/** What is missing or wrong in the labels that say who a pod is; undefined if nothing. */
export function identityLabels(pod: Pod, ordinal: number): Readonly<Record<string, string>> | undefined {
  const wanted = { [podNameLabel]: pod.metadata.name, [podIndexLabel]: String(ordinal) };
  const right = pod.metadata.labels?.[podNameLabel] === pod.metadata.name;
  return right ? undefined : wanted;
}

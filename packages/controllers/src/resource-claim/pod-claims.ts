import type {
  DeviceClaimObject,
  NewObject,
  Pod,
  PodResourceClaim,
  PodResourceClaimStatus,
  ResourceClaimTemplate,
} from '@keelson/core';

/** On a claim made for a pod: by which name the pod knows it. */
export const podClaimAnnotation = 'resource.kubernetes.io/pod-claim-name';

/** The claims of a pod that have to be made from a template and are not written down in its status yet. */
export function missingClaims({ spec, status }: Pod): readonly PodResourceClaim[] {
  const known = new Set((status?.resourceClaimStatuses ?? []).map((each) => each.name));
  return (spec.resourceClaims ?? []).filter(
    (each) => each.resourceClaimTemplateName !== undefined && !known.has(each.name),
  );
}

export function newClaim(pod: Pod, name: string, template: ResourceClaimTemplate): NewObject<DeviceClaimObject> {
  const { metadata, spec } = template.spec;
  const { namespace, uid = '' } = pod.metadata;
  return {
    metadata: {
      generateName: `${pod.metadata.name}-${name}-`,
      namespace,
      ...(metadata?.labels && { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [podClaimAnnotation]: name },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid, controller: true }],
    },
    spec,
  };
}

/** The names of all of a pod's claims that are made from templates, once they are known. */
export function claimStatuses(pod: Pod, made: ReadonlyMap<string, string>): readonly PodResourceClaimStatus[] {
  const known = new Map((pod.status?.resourceClaimStatuses ?? []).map((each) => [each.name, each.resourceClaimName]));
  for (const [name, claim] of made) known.set(name, claim);
  return [...known].map(([name, resourceClaimName]) => ({
    name,
    ...(resourceClaimName !== undefined && { resourceClaimName }),
  }));
}

/** Whether a pod will never use its claims (again). */
export function isDone({ status, spec, metadata }: Pod): boolean {
  const { phase } = status ?? {};
  return phase === 'Succeeded' || phase === 'Failed' || (metadata.deletionTimestamp !== undefined && !spec.nodeName);
}

import {
  type NewObject,
  type OwnerReference,
  ownerReferenceTo,
  type PersistentVolumeClaim,
  Pod,
  StatefulSet,
} from '@keelson/core';
import { claimName, podName, replicasOf, startOf } from './identity.ts';

/** The claims of an ordinal, as they are made when they are missing. They outlive the pod. */
export function newClaims(set: StatefulSet, ordinal: number): readonly NewObject<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    metadata: {
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
      ...(template.metadata.annotations && { annotations: template.metadata.annotations }),
    },
    spec: template.spec,
  }));
}

/**
 * Who a claim should go with by `persistentVolumeClaimRetentionPolicy` (KEP-1847): the set, where claims go with it; its
 * pod, where claims go on scaling down and the ordinal is beyond the replicas. References of others stay.
 *
 * @returns the references as they should be, or undefined if they are so
 */
export function ownersOfClaim(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  pod: Pod,
  ordinal: number,
): readonly OwnerReference[] | undefined {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const condemned = ordinal < startOf(set) || ordinal >= startOf(set) + replicasOf(set);
  const byPod = whenScaled === 'Delete' && condemned;
  const bySet = whenDeleted === 'Delete' && !byPod;
  const before = claim.metadata.ownerReferences ?? [];
  const has = (uid: string | undefined) => before.some((each) => each.uid === uid);
  if (has(set.metadata.uid) === bySet && has(pod.metadata.uid) === byPod) return undefined;
  const others = before.filter((each) => each.uid !== set.metadata.uid && each.uid !== pod.metadata.uid);
  return [
    ...others,
    ...(bySet ? [ownerReferenceTo(set, StatefulSet)] : []),
    ...(byPod ? [{ apiVersion: 'v1', kind: Pod.kind, name: pod.metadata.name, uid: pod.metadata.uid ?? '' }] : []),
  ];
}

/** A claim of an earlier pod of this name that goes with that pod: a new pod has to wait for its end. */
export function isStale(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  ordinal: number,
  pod: Pod | undefined,
): boolean {
  const name = podName(set, ordinal);
  return (claim.metadata.ownerReferences ?? []).some(
    (each) =>
      each.kind === Pod.kind && each.apiVersion === 'v1' && each.name === name && each.uid !== pod?.metadata.uid,
  );
}

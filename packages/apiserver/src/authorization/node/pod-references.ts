import type { Container, Pod, Volume } from '@keelson/core';

/** Kinds of objects that a node may see because a pod on it needs them. */
export type ReferencedKind =
  | 'secrets'
  | 'configmaps'
  | 'serviceaccounts'
  | 'persistentvolumeclaims'
  | 'resourceclaims'
  | 'pods';

/** One object in the pod's own namespace. */
export type Reference = readonly [kind: ReferencedKind, name: string];

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** Whether a pod only shows what a kubelet runs by itself. */
export const isMirrorPod = ({ metadata }: Pod): boolean => metadata.annotations?.[mirrorAnnotation] !== undefined;

/** All objects that the node of a pod needs for it. */
export function podReferences(pod: Pod): readonly Reference[] {
  const found: Reference[] = [];
  const add = (kind: ReferencedKind, name: string | undefined) => {
    if (name) found.push([kind, name]);
  };
  const { spec, status } = pod;
  add('serviceaccounts', spec.serviceAccountName);
  for (const each of spec.imagePullSecrets ?? []) add('secrets', each.name);
  for (const each of spec.initContainers ?? []) ofContainer(each, add);
  for (const each of spec.containers ?? []) ofContainer(each, add);
  for (const each of spec.ephemeralContainers ?? []) ofContainer(each, add);
  for (const each of spec.volumes ?? []) ofVolume(pod, each, add);
  for (const each of spec.resourceClaims ?? []) {
    const made = status?.resourceClaimStatuses?.find(({ name }) => name === each.name);
    add('resourceclaims', each.resourceClaimName ?? (each.resourceClaimTemplateName && made?.resourceClaimName));
  }
  add('resourceclaims', status?.extendedResourceClaimStatus?.resourceClaimName);
  return found;
}

type Add = (kind: ReferencedKind, name: string | undefined) => void;

function ofContainer({ env, envFrom }: Pick<Container, 'env' | 'envFrom'>, add: Add): void {
  for (const { secretRef, configMapRef } of envFrom ?? []) {
    add('secrets', secretRef?.name);
    add('configmaps', configMapRef?.name);
  }
  for (const { valueFrom } of env ?? []) {
    add('secrets', valueFrom?.secretKeyRef?.name);
    add('configmaps', valueFrom?.configMapKeyRef?.name);
  }
}

function ofVolume(pod: Pod, volume: Volume, add: Add): void {
  add('secrets', volume.secret?.secretName);
  add('configmaps', volume.configMap?.name);
  for (const { secret, configMap } of volume.projected?.sources ?? []) {
    add('secrets', secret?.name);
    add('configmaps', configMap?.name);
  }
  add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
  if (volume.ephemeral) add('persistentvolumeclaims', `${pod.metadata.name}-${volume.name}`);
  add('secrets', volume.csi?.nodePublishSecretRef?.name);
  add('secrets', volume.azureFile?.secretName);
  const { cephfs, flexVolume, iscsi, rbd, scaleIO, storageos } = volume;
  for (const each of [cephfs, flexVolume, iscsi, rbd, scaleIO, storageos]) add('secrets', each?.secretRef?.name);
}

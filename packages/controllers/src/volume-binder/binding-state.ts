import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@keelson/core';

export const annotations = {
  bindCompleted: 'pv.kubernetes.io/bind-completed',
  boundByController: 'pv.kubernetes.io/bound-by-controller',
  provisionedBy: 'pv.kubernetes.io/provisioned-by',
  betaStorageProvisioner: 'volume.beta.kubernetes.io/storage-provisioner',
} as const;

/** Indexes of the informers that the controllers of this folder share. */
export const volumesByClaim = 'volume-binder/claim';
export const claimOfVolume = (volume: PersistentVolume): readonly string[] => {
  const { claimRef } = volume.spec ?? {};
  return claimRef ? [`${claimRef.namespace}/${claimRef.name}`] : [];
};

export const podsByClaim = 'volume-binder/claims';
/** Keys of the claims that a pod mounts, generic ephemeral volumes included. */
export const claimsOfPod = (pod: Pod): readonly string[] =>
  (pod.spec?.volumes ?? []).flatMap((volume) => {
    const name =
      volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined);
    return name === undefined ? [] : [`${pod.metadata.namespace}/${name}`];
  });

/** Whether the volume is reserved for this claim: by name, and by uid if one is given. */
export function isReservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { claimRef } = volume.spec ?? {};
  return (
    claimRef !== undefined &&
    claimRef.name === claim.metadata.name &&
    claimRef.namespace === claim.metadata.namespace &&
    (!claimRef.uid || claimRef.uid === claim.metadata.uid)
  );
}

export function isBindCompleted(claim: PersistentVolumeClaim): boolean {
  return claim.metadata.annotations?.[annotations.bindCompleted] !== undefined;
}

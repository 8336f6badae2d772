import type { PersistentVolume } from '@keelson/core';

/** `namespace/name` of each Secret that a kubelet needs to mount a volume; those of controllers are not its business. */
export function volumeSecrets({ spec }: PersistentVolume): readonly string[] {
  const { csi, azureFile, cephfs, flexVolume, iscsi, rbd, scaleIO, storageos } = spec;
  const fallback = spec.claimRef?.namespace ?? '';
  const found: string[] = [];
  const add = (reference: { readonly name?: string; readonly namespace?: string } | undefined) => {
    if (reference?.name) found.push(`${reference.namespace || fallback}/${reference.name}`);
  };
  add(csi?.nodePublishSecretRef);
  add(csi?.nodeStageSecretRef);
  add(csi?.nodeExpandSecretRef);
  add(azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace ?? '' });
  for (const each of [cephfs, flexVolume, iscsi, rbd, scaleIO, storageos]) add(each?.secretRef);
  return found;
}

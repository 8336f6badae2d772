import { compareQuantity, PersistentVolumeClaim, StatusError, StorageClass } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { objectAs } from './narrow.ts';

/** A claim grows only where its class allows it. */
export function persistentVolumeClaimResize({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    resources: [PersistentVolumeClaim],
    async validate(attributes) {
      if (attributes.operation !== 'UPDATE') return;
      const claim = objectAs(attributes, PersistentVolumeClaim);
      // The old object is of the same kind as the new one.
      const old = attributes.oldObject as PersistentVolumeClaim | undefined;
      if (!claim || !old) return;
      const size = (each: PersistentVolumeClaim) => each.spec.resources?.requests?.['storage'] ?? '0';
      // How far it may shrink the claim's own rules say (KEP-1790).
      if (compareQuantity(size(claim), size(old)) <= 0) return;
      const { storageClassName } = old.spec;
      const storageClass = storageClassName ? await reader.get(StorageClass, storageClassName) : undefined;
      if (storageClass?.allowVolumeExpansion) return;
      throw StatusError.forbidden(
        { group: '', resource: 'persistentvolumeclaims' },
        claim.metadata.name,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
    },
  };
}

import { PersistentVolume, PersistentVolumeClaim, wellKnown } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import { objectAs } from './narrow.ts';

/** Volumes and claims that are in use are not taken away from under those who use them. */
export function storageObjectInUseProtection(): AdmissionPlugin {
  return {
    name: 'StorageObjectInUseProtection',
    resources: [PersistentVolume, PersistentVolumeClaim],
    admit(attributes) {
      if (attributes.operation !== 'CREATE') return undefined;
      const object = objectAs(attributes, PersistentVolume) ?? objectAs(attributes, PersistentVolumeClaim);
      if (!object) return undefined;
      const finalizer =
        attributes.resource === PersistentVolume.plural
          ? wellKnown.pvProtectionFinalizer
          : wellKnown.pvcProtectionFinalizer;
      const { finalizers = [] } = object.metadata;
      if (finalizers.includes(finalizer)) return undefined;
      return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } };
    },
  };
}

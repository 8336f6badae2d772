import { PersistentVolumeClaim, StorageClass, wellKnown } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { objectAs } from './narrow.ts';
import { youngest } from './youngest.ts';

/** A claim that names no class gets the default one; of several, the youngest. */
export function defaultStorageClass({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    resources: [PersistentVolumeClaim],
    async admit(attributes) {
      if (attributes.operation !== 'CREATE') return undefined;
      const claim = objectAs(attributes, PersistentVolumeClaim);
      if (!claim || claim.spec.storageClassName !== undefined) return undefined;
      if (claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return undefined;
      const classes = (await reader.list(StorageClass)).filter(
        ({ metadata }) => metadata.annotations?.[wellKnown.isDefaultStorageClass] === 'true',
      );
      const chosen = youngest(classes);
      if (!chosen) return undefined;
      return { ...claim, spec: { ...claim.spec, storageClassName: chosen.metadata.name } };
    },
  };
}

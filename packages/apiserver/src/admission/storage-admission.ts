import {
  Ingress,
  IngressClass,
  PersistentVolume,
  PersistentVolumeClaim,
  StatusError,
  StorageClass,
  wellKnown,
} from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { objectAs } from './narrow.ts';

/** Volumes and claims that are in use are not taken away from under those who use them. */
export function storageObjectInUseProtection(): AdmissionPlugin {
  return {
    name: 'StorageObjectInUseProtection',
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

/** A claim that names no class gets the default one; of several, the youngest. */
export function defaultStorageClass({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
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

export function defaultIngressClass({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    async admit(attributes) {
      if (attributes.operation !== 'CREATE') return undefined;
      const ingress = objectAs(attributes, Ingress);
      if (!ingress || ingress.spec.ingressClassName !== undefined) return undefined;
      if (ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return undefined;
      const classes = (await reader.list(IngressClass)).filter(
        ({ metadata }) => metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true',
      );
      const chosen = youngest(classes);
      if (!chosen) return undefined;
      return { ...ingress, spec: { ...ingress.spec, ingressClassName: chosen.metadata.name } };
    },
  };
}

function youngest<T extends { readonly metadata: { readonly creationTimestamp?: string; readonly name: string } }>(
  objects: readonly T[],
): T | undefined {
  return [...objects].sort(
    (a, b) =>
      (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') ||
      a.metadata.name.localeCompare(b.metadata.name),
  )[0];
}

/** A claim grows only where its class allows it. */
export function persistentVolumeClaimResize({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    async validate(attributes) {
      if (attributes.operation !== 'UPDATE') return;
      const claim = objectAs(attributes, PersistentVolumeClaim);
      // The old object is of the same kind as the new one.
      const old = attributes.oldObject as PersistentVolumeClaim | undefined;
      if (!claim || !old) return;
      const size = (each: PersistentVolumeClaim) => each.spec.resources?.requests?.['storage'];
      if (size(claim) === size(old)) return;
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

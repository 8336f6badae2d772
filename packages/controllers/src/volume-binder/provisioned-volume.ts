import {
  formatQuantity,
  type NewObject,
  type NodeSelectorTerm,
  type PersistentVolume,
  type PersistentVolumeClaim,
  parseQuantity,
  type StorageClass,
} from '@keelson/core';
import type { CreateVolumeRequest, Topology, Volume, VolumeCapabilityAccessModeMode } from '@keelson/core/csi';
import { annotations } from './binding-state.ts';

export const provisionerFinalizer = 'external-provisioner.volume.kubernetes.io/finalizer';

const accessModes: Readonly<Record<string, VolumeCapabilityAccessModeMode>> = {
  ReadWriteOnce: 'SINGLE_NODE_WRITER',
  ReadWriteOncePod: 'SINGLE_NODE_SINGLE_WRITER',
  ReadOnlyMany: 'MULTI_NODE_READER_ONLY',
  ReadWriteMany: 'MULTI_NODE_MULTI_WRITER',
};
/** Parameters of a class that speak to the provisioner and not to the driver. */
const reserved = 'csi.storage.k8s.io/';

/** The same name for the same claim, however often it is asked for: this is what makes provisioning repeatable. */
export function volumeNameFor(claim: PersistentVolumeClaim): string {
  return `pvc-${claim.metadata.uid}`;
}

export function fsTypeOf(storageClass: StorageClass): string | undefined {
  return storageClass.parameters?.[`${reserved}fstype`];
}

export function createVolumeRequest(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  topology: readonly Topology[] | undefined,
): CreateVolumeRequest {
  const requested = claim.spec?.resources?.requests?.['storage'];
  const isBlock = claim.spec?.volumeMode === 'Block';
  const fsType = fsTypeOf(storageClass);
  return {
    name: volumeNameFor(claim),
    capacityRange: requested === undefined ? undefined : { requiredBytes: bytes(requested) },
    parameters: Object.fromEntries(
      Object.entries(storageClass.parameters ?? {}).filter(([key]) => !key.startsWith(reserved)),
    ),
    volumeCapabilities: (claim.spec?.accessModes ?? []).map((mode) => ({
      accessMode: { mode: accessModes[mode] ?? 'UNKNOWN' },
      ...(isBlock ? { block: {} } : { mount: { fsType, mountFlags: storageClass.mountOptions } }),
    })),
    ...(topology && { accessibilityRequirements: { requisite: topology, preferred: topology } }),
  };
}

export function provisionedVolume(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  volume: Volume,
): NewObject<PersistentVolume> {
  const terms = topologyTerms(volume.accessibleTopology ?? []);
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  return {
    metadata: {
      name: volumeNameFor(claim),
      finalizers: [provisionerFinalizer],
      annotations: { [annotations.provisionedBy]: storageClass.provisioner },
    },
    spec: {
      accessModes: claim.spec?.accessModes,
      capacity: {
        storage: volume.capacityBytes
          ? sizeText(volume.capacityBytes)
          : (claim.spec?.resources?.requests?.['storage'] ?? '0'),
      },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion },
      csi: {
        driver: storageClass.provisioner,
        volumeHandle: volume.volumeId ?? '',
        fsType: claim.spec?.volumeMode === 'Block' ? undefined : fsTypeOf(storageClass),
        volumeAttributes: volume.volumeContext,
      },
      mountOptions: storageClass.mountOptions,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: claim.spec?.volumeMode,
      ...(terms.length > 0 && { nodeAffinity: { required: { nodeSelectorTerms: terms } } }),
    },
  };
}

function topologyTerms(topologies: readonly Topology[]): readonly NodeSelectorTerm[] {
  return topologies
    .map((each) => Object.entries(each.segments ?? {}))
    .filter((segments) => segments.length > 0)
    .map((segments) => ({
      matchExpressions: segments.map(([key, value]) => ({ key, operator: 'In', values: [value] })),
    }));
}

/** Whole mebibytes where that is exact, else bytes. */
function sizeText(size: number): string {
  return size % 2 ** 20 === 0 ? formatQuantity(`${size / 2 ** 20}Mi`) : String(size);
}

function bytes(quantity: string): number {
  return Math.ceil(Number(parseQuantity(quantity).nanos) / 1e9);
}

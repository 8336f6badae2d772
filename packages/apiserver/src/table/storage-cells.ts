import {
  CSIDriver,
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '@keelson/core';
import { cellsFor, type KindCells } from './cells.ts';
import { accessModes, unset } from './format.ts';
import { age } from './human-duration.ts';

const defaultClass = 'storageclass.kubernetes.io/is-default-class';

export const storageCells: readonly KindCells[] = [
  cellsFor(PersistentVolume, ({ metadata, spec, status }, now) => {
    const claim = spec?.claimRef;
    return [
      metadata.name ?? '',
      spec?.capacity?.['storage'] ?? '0',
      accessModes(spec?.accessModes),
      spec?.persistentVolumeReclaimPolicy ?? '',
      metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
      claim ? `${claim.namespace ?? ''}/${claim.name ?? ''}` : '',
      spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? unset,
      status?.reason ?? '',
      age(now, metadata.creationTimestamp),
      spec?.volumeMode ?? unset,
    ];
  }),
  cellsFor(PersistentVolumeClaim, ({ metadata, spec, status }, now) => {
    const bound = Boolean(spec?.volumeName);
    return [
      metadata.name ?? '',
      metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
      spec?.volumeName ?? '',
      bound ? (status?.capacity?.['storage'] ?? '0') : '',
      bound ? accessModes(status?.accessModes) : '',
      spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? unset,
      age(now, metadata.creationTimestamp),
      spec?.volumeMode ?? unset,
    ];
  }),
  cellsFor(StorageClass, ({ metadata, provisioner, reclaimPolicy, volumeBindingMode, allowVolumeExpansion }, now) => [
    metadata.annotations?.[defaultClass] === 'true' ? `${metadata.name} (default)` : (metadata.name ?? ''),
    provisioner ?? '',
    reclaimPolicy ?? 'Delete',
    volumeBindingMode ?? 'Immediate',
    allowVolumeExpansion ?? false,
    age(now, metadata.creationTimestamp),
  ]),
  cellsFor(VolumeAttributesClass, ({ metadata, driverName }, now) => [
    metadata.name ?? '',
    driverName ?? '',
    age(now, metadata.creationTimestamp),
  ]),
  cellsFor(CSINode, ({ metadata, spec }, now) => [
    metadata.name ?? '',
    spec?.drivers?.length ?? 0,
    age(now, metadata.creationTimestamp),
  ]),
  cellsFor(CSIDriver, ({ metadata, spec }, now) => [
    metadata.name ?? '',
    spec?.attachRequired ?? true,
    spec?.podInfoOnMount ?? false,
    spec?.storageCapacity ?? false,
    (spec?.tokenRequests ?? []).map(({ audience }) => audience).join(',') || unset,
    spec?.requiresRepublish ?? false,
    (spec?.volumeLifecycleModes ?? []).join(',') || '<none>',
    age(now, metadata.creationTimestamp),
  ]),
  cellsFor(VolumeAttachment, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    spec?.attacher ?? '',
    spec?.source?.persistentVolumeName ?? '',
    spec?.nodeName ?? '',
    status?.attached ?? false,
    age(now, metadata.creationTimestamp),
  ]),
];

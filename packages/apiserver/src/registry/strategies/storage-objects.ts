import {
  CSIDriver,
  CSINode,
  compareQuantity,
  deepEqual,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
  validateDnsSubdomain,
} from '@keelson/core';
import { type NamedStrategy, strategyFor } from '../strategy.ts';
import { checkOneOf } from './checks.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

const persistentVolume = strategyFor(PersistentVolume, {
  defaults({ spec }) {
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath) spec.hostPath.type ??= '';
    if (spec.claimRef) {
      spec.claimRef.kind ||= 'PersistentVolumeClaim';
      spec.claimRef.apiVersion ||= 'v1';
    }
  },
  prepareCreate(object, { now }) {
    object.status = { phase: 'Pending', lastPhaseTransitionTime: now() };
  },
  prepareStatusUpdate(object, old, { now }) {
    if (
      object.status &&
      object.status.phase !== old.status?.phase &&
      object.status.lastPhaseTransitionTime === old.status?.lastPhaseTransitionTime
    ) {
      object.status.lastPhaseTransitionTime = now();
    }
  },
  validate({ spec }, errors) {
    if (!spec.accessModes?.length) errors.required('spec.accessModes');
    else spec.accessModes.forEach((each) => void checkOneOf('spec.accessModes', each, accessModes, errors));
    if (!spec.capacity || Object.keys(spec.capacity).length === 0) {
      errors.required('spec.capacity');
      errors.notSupported('spec.capacity', spec.capacity ?? null, ['storage']);
    } else if (spec.capacity['storage'] === undefined) errors.notSupported('spec.capacity', spec.capacity, ['storage']);
    else if (compareQuantity(spec.capacity['storage'], '0') <= 0) {
      errors.invalid('spec.capacity[storage]', spec.capacity['storage'], 'must be greater than zero');
    }
    const sources = [
      'hostPath',
      'csi',
      'local',
      'nfs',
      'iscsi',
      'fc',
      'awsElasticBlockStore',
      'gcePersistentDisk',
      'azureDisk',
      'azureFile',
      'cephfs',
      'cinder',
      'flexVolume',
      'flocker',
      'glusterfs',
      'photonPersistentDisk',
      'portworxVolume',
      'quobyte',
      'rbd',
      'scaleIO',
      'storageos',
      'vsphereVolume',
    ];
    if (!sources.some((each) => each in spec)) errors.required('spec', 'must specify a volume type');
    if (spec.hostPath && !spec.hostPath.path) errors.required('spec.hostPath.path');
    checkOneOf(
      'spec.persistentVolumeReclaimPolicy',
      spec.persistentVolumeReclaimPolicy,
      ['Delete', 'Recycle', 'Retain'],
      errors,
    );
    checkOneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem'], errors);
    if (spec.local && !spec.nodeAffinity?.required)
      errors.required('spec.nodeAffinity', 'Local volume requires node affinity');
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    for (const source of ['hostPath', 'csi', 'local', 'nfs'] as const) {
      if (!deepEqual(spec[source], old[source])) {
        errors.forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation');
      }
    }
    if (spec.volumeMode !== old.volumeMode) errors.invalid('spec.volumeMode', spec.volumeMode, 'field is immutable');
  },
});

const claim = strategyFor(PersistentVolumeClaim, {
  defaults({ spec }) {
    spec.volumeMode ??= 'Filesystem';
  },
  prepareCreate(object) {
    object.status = { phase: 'Pending' };
  },
  validate({ spec }, errors) {
    if (!spec.accessModes?.length) errors.required('spec.accessModes', 'at least 1 access mode is required');
    else spec.accessModes.forEach((each) => void checkOneOf('spec.accessModes', each, accessModes, errors));
    const storage = spec.resources?.requests?.['storage'];
    if (storage === undefined) errors.required('spec.resources[storage]');
    else if (compareQuantity(storage, '0') <= 0) {
      errors.invalid('spec.resources[storage]', storage, 'must be greater than zero');
    }
    checkOneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem'], errors);
  },
  validateUpdate({ spec }, { spec: old, status }, errors) {
    const kept = {
      ...spec,
      volumeName: old.volumeName ? spec.volumeName : old.volumeName,
      storageClassName: old.storageClassName === undefined ? undefined : spec.storageClassName,
      volumeAttributesClassName: old.volumeAttributesClassName,
      resources: {
        ...spec.resources,
        requests: { ...spec.resources?.requests, storage: old.resources?.requests?.['storage'] ?? '' },
      },
    };
    if (!deepEqual(kept, old)) {
      errors.forbidden(
        'spec',
        'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      );
      return;
    }
    const before = old.resources?.requests?.['storage'] ?? '0';
    const after = spec.resources?.requests?.['storage'] ?? '0';
    if (compareQuantity(after, before) < 0 && compareQuantity(after, status?.capacity?.['storage'] ?? '0') < 0) {
      errors.forbidden('spec.resources.requests.storage', 'field can not be less than previous value');
    } else if (compareQuantity(after, before) !== 0 && status?.phase !== 'Bound') {
      errors.forbidden(
        'spec',
        'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      );
    }
  },
});

const storageClass = strategyFor(StorageClass, {
  defaults(object) {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  validate(object, errors) {
    if (!object.provisioner) errors.required('provisioner');
    checkOneOf('reclaimPolicy', object.reclaimPolicy, ['Delete', 'Retain'], errors);
    checkOneOf('volumeBindingMode', object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'], errors);
  },
  validateUpdate(object, old, errors) {
    if (!deepEqual(object.parameters, old.parameters))
      errors.forbidden('parameters', 'updates to parameters are forbidden.');
    if (object.provisioner !== old.provisioner)
      errors.forbidden('provisioner', 'updates to provisioner are forbidden.');
    if (object.reclaimPolicy !== old.reclaimPolicy)
      errors.forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.');
    if (object.volumeBindingMode !== old.volumeBindingMode) {
      errors.invalid('volumeBindingMode', object.volumeBindingMode, 'field is immutable');
    }
  },
});

const csiDriver = strategyFor(CSIDriver, {
  unconditionalUpdate: false,
  defaults({ spec }) {
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    if (spec.attachRequired !== old.attachRequired) {
      errors.invalid('spec.attachRequired', spec.attachRequired, 'field is immutable');
    }
  },
});

const csiNode = strategyFor(CSINode, { unconditionalUpdate: false });

const volumeAttachment = strategyFor(VolumeAttachment, {
  unconditionalUpdate: false,
  validate({ spec }, errors) {
    if (!spec.attacher) errors.required('spec.attacher');
    if (!spec.source?.persistentVolumeName && !spec.source?.inlineVolumeSpec) {
      errors.required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName');
    }
    errors.rule('spec.nodeName', spec.nodeName ?? '', validateDnsSubdomain(spec.nodeName ?? ''));
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    if (!deepEqual(spec, old)) errors.invalid('spec', spec, 'field is immutable');
  },
});

export const storageObjectStrategies: readonly NamedStrategy[] = [
  persistentVolume,
  claim,
  storageClass,
  csiDriver,
  csiNode,
  volumeAttachment,
];

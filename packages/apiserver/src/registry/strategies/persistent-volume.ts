import {
  compareQuantity,
  deepEqual,
  PersistentVolume,
  type PersistentVolumeSpec,
  quantityValue,
  type SecretReference,
  type VolumeNodeAffinity,
  validateDnsLabel,
  validateDnsSubdomain,
} from '@keelson/core';
import { hollowMember } from '../../schema/index.ts';
import type { Draft } from '../draft.ts';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { checkNoBacksteps, checkOneOf, checkRange } from './checks.ts';
import { accessModes, mixesOneOnly } from './claim-validation.ts';
import { inGo } from './go-internal.ts';
import { validateNodeSelector } from './pods/affinity-validation.ts';
import { lineDiff } from './pods/line-diff.ts';
import { nodeTermWarnings } from './pods/pod-warnings.ts';
import { checkDriverName, isIscsiName, sharedSources } from './pods/volume-sources.ts';
import { retiredSources } from './pods/volume-warnings.ts';

/** In the order in which Kubernetes looks at them. */
const sources = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const satisfies readonly (keyof PersistentVolumeSpec)[];
type Source = (typeof sources)[number];

const secretsOfCsi = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const;

function checkSecret(secret: SecretReference, at: string, errors: FieldErrors): void {
  if (!secret.name) errors.required(`${at}.name`);
  else errors.rule(`${at}.name`, secret.name, validateDnsSubdomain(secret.name));
  if (!secret.namespace) errors.required(`${at}.namespace`);
  else errors.rule(`${at}.namespace`, secret.namespace, validateDnsLabel(secret.namespace));
}

function requiredSecret(secret: SecretReference | undefined, at: string, errors: FieldErrors): void {
  if (!secret) return;
  if (!secret.name) errors.required(`${at}.name`);
  if (!secret.namespace) errors.required(`${at}.namespace`);
}

/** Sources that a PersistentVolume describes otherwise than a Pod. */
function validateSource(name: Source, spec: PersistentVolumeSpec, at: string, errors: FieldErrors): void {
  switch (name) {
    case 'local':
      if (!spec.local?.path) errors.required(`${at}.path`);
      else checkNoBacksteps(spec.local.path, `${at}.path`, errors);
      return;
    case 'csi':
      checkDriverName(spec.csi?.driver, `${at}.driver`, errors);
      if (!spec.csi?.volumeHandle) errors.required(`${at}.volumeHandle`);
      for (const each of secretsOfCsi) {
        const secret = spec.csi?.[each];
        if (secret) checkSecret(secret, `${at}.${each}`, errors);
      }
      return;
    case 'azureFile':
      if (spec.azureFile) sharedSources.azureFile(spec.azureFile, at, errors);
      if (spec.azureFile?.secretNamespace === '') errors.required(`${at}.secretNamespace`);
      return;
    case 'iscsi':
      if (spec.iscsi) validateIscsi(spec.iscsi, at, errors);
      return;
    case 'glusterfs':
      if (spec.glusterfs) sharedSources.glusterfs(spec.glusterfs, at, errors);
      checkGlusterNamespace(spec.glusterfs?.endpointsNamespace, `${at}.endpointsNamespace`, errors);
      return;
    case 'cinder':
      if (!spec.cinder?.volumeID) errors.required(`${at}.volumeID`);
      requiredSecret(spec.cinder?.secretRef, `${at}.secretRef`, errors);
      return;
    case 'storageos':
      if (spec.storageos) sharedSources.storageos({ ...spec.storageos, secretRef: undefined }, at, errors);
      requiredSecret(spec.storageos?.secretRef, `${at}.secretRef`, errors);
      return;
    default:
      validateShared(name, spec, at, errors);
  }
}

type SharedName = Exclude<Source, 'local' | 'csi' | 'azureFile' | 'cinder' | 'storageos' | 'iscsi' | 'glusterfs'>;

function checkGlusterNamespace(namespace: string | undefined, at: string, errors: FieldErrors): void {
  if (namespace === undefined) return;
  if (namespace === '') {
    errors.invalid(at, namespace, 'if the endpointnamespace is set, it must be a valid namespace name');
  } else errors.rule(at, namespace, validateDnsLabel(namespace));
}

/** The same words for every name that is wrong, unlike in Pods. */
function validateIscsi(iscsi: NonNullable<PersistentVolumeSpec['iscsi']>, at: string, errors: FieldErrors): void {
  const { targetPortal, iqn, initiatorName, secretRef } = iscsi;
  if (!targetPortal) errors.required(`${at}.targetPortal`);
  if (!iqn) errors.required(`${at}.iqn`);
  else if (!isIscsiName(iqn)) errors.invalid(`${at}.iqn`, iqn, 'must be valid format');
  checkRange(`${at}.lun`, iscsi.lun ?? 0, 0, 255, errors);
  if ((iscsi.chapAuthDiscovery || iscsi.chapAuthSession) && !secretRef) errors.required(`${at}.secretRef`);
  if (secretRef && !secretRef.name) errors.required(`${at}.secretRef.name`);
  if (initiatorName !== undefined && !isIscsiName(initiatorName)) {
    errors.invalid(`${at}.initiatorname`, initiatorName, 'must be valid format');
  }
}

function validateShared<Name extends SharedName>(
  name: Name,
  spec: PersistentVolumeSpec,
  at: string,
  errors: FieldErrors,
): void {
  const source = spec[name];
  const rule: (source: never, at: string, errors: FieldErrors) => void = sharedSources[name];
  if (source) Reflect.apply(rule, undefined, [source, at, errors]);
}

const shownAs: { readonly [Name in Source]?: string } = { gcePersistentDisk: 'persistentDisk' };
const tooManyAs: { readonly [Name in Source]?: string } = { cephfs: 'cephFS' };

function validateSources(spec: PersistentVolumeSpec, volumeName: string, errors: FieldErrors): void {
  let first: Source | undefined;
  for (const name of sources) {
    if (spec[name] === undefined) continue;
    // Kubernetes looks into a flexVolume even where it is one too many.
    if (first !== undefined && name !== 'flexVolume') {
      errors.forbidden(`spec.${tooManyAs[name] ?? name}`, 'may not specify more than 1 volume type');
      continue;
    }
    first ??= name;
    validateSource(name, spec, `spec.${shownAs[name] ?? name}`, errors);
    if (name === 'iscsi' && spec.iscsi?.initiatorName !== undefined) {
      if (`${volumeName}:${spec.iscsi.targetPortal}`.length > 64) {
        const why =
          'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
        errors.invalid('spec.iscsi.targetportal', spec.iscsi.targetPortal, why);
      }
    }
    if (name === 'local' && !spec.nodeAffinity) {
      errors.required('spec.nodeAffinity', 'Local volume requires node affinity');
    }
  }
  if (first === undefined) errors.required('spec', 'must specify a volume type');
  if (spec.persistentVolumeReclaimPolicy === 'Recycle' && isRoot(spec.hostPath?.path)) {
    errors.forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'");
  }
}

const isRoot = (path: string | undefined) =>
  path?.startsWith('/') && path.split('/').every((each) => each === '' || each === '.');

function validateModes({ accessModes: modes = [] }: PersistentVolumeSpec, errors: FieldErrors): void {
  if (modes.length === 0) errors.required('spec.accessModes');
  for (const each of modes) checkOneOf('spec.accessModes', each, accessModes, errors);
  if (mixesOneOnly(modes)) {
    errors.forbidden('spec.accessModes', 'may not use ReadWriteOncePod with other access modes');
  }
}

function validateCapacity(spec: PersistentVolumeSpec, errors: FieldErrors): void {
  const { capacity = {} } = spec;
  const names = Object.keys(capacity).sort();
  const shown = Object.fromEntries(names.map((each) => [each, capacity[each] ?? '0']));
  if (names.length === 0) errors.required('spec.capacity');
  if (names.length !== 1 || capacity['storage'] === undefined) {
    errors.notSupported('spec.capacity', names.length === 0 ? (hollowMember(spec, 'capacity') ?? null) : shown, [
      'storage',
    ]);
  }
  for (const [name, value] of Object.entries(shown)) {
    const at = `spec.capacity[${name}]`;
    if (compareQuantity(value, '0') < 0) {
      // An internal number, and so not in quotes.
      errors.list.push({
        type: 'FieldValueInvalid',
        field: at,
        message: `Invalid value: ${quantityValue(value)}: must be a valid resource quantity`,
      });
    }
    if (compareQuantity(value, '0') <= 0) errors.invalid(at, value, 'must be greater than zero');
  }
}

function validateSpec(spec: PersistentVolumeSpec, volumeName: string, errors: FieldErrors): void {
  validateModes(spec, errors);
  validateCapacity(spec, errors);
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy) checkOneOf('spec.persistentVolumeReclaimPolicy', policy, ['Delete', 'Recycle', 'Retain'], errors);
  if (spec.nodeAffinity) {
    const at = 'spec.nodeAffinity.required';
    if (spec.nodeAffinity.required) validateNodeSelector(spec.nodeAffinity.required, at, errors);
    else errors.required(at, 'must specify required node constraints');
  }
  validateSources(spec, volumeName, errors);
  if (spec.storageClassName) {
    errors.rule('spec.storageClassName', spec.storageClassName, validateDnsSubdomain(spec.storageClassName));
  }
  checkOneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem'], errors);
  validateAttributesClass(spec, errors);
}

function validateAttributesClass(
  { volumeAttributesClassName: name, csi }: PersistentVolumeSpec,
  errors: FieldErrors,
): void {
  if (name === undefined) return;
  const at = 'spec.volumeAttributesClassName';
  if (name === '') errors.required(at, 'an empty string is disallowed');
  else errors.rule(at, name, validateDnsSubdomain(name));
  if (!csi) errors.required('spec.csi', 'has to be specified when using volumeAttributesClassName');
}

function defaultSpec(spec: Draft<PersistentVolumeSpec>): void {
  spec.persistentVolumeReclaimPolicy ||= 'Retain';
  spec.volumeMode ??= 'Filesystem';
  defaultSource(spec);
}

/** Defaults of what volumes are made of, wherever such is written. */
export function defaultSource(spec: Draft<PersistentVolumeSpec>): void {
  if (spec.hostPath) spec.hostPath.type ??= '';
  if (spec.iscsi) spec.iscsi.iscsiInterface ||= 'default';
  if (spec.rbd) {
    spec.rbd.pool ||= 'rbd';
    spec.rbd.user ||= 'admin';
    spec.rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (spec.azureDisk) {
    spec.azureDisk.cachingMode ??= 'ReadWrite';
    spec.azureDisk.kind ??= 'Shared';
    spec.azureDisk.fsType ??= 'ext4';
    spec.azureDisk.readOnly ??= false;
  }
  if (spec.scaleIO) {
    spec.scaleIO.storageMode ||= 'ThinProvisioned';
    spec.scaleIO.fsType ||= 'xfs';
  }
}

const sourceOf = (spec: PersistentVolumeSpec) =>
  Object.fromEntries(sources.flatMap((each) => (spec[each] === undefined ? [] : [[each, spec[each]]])));

const sourceText = (spec: PersistentVolumeSpec) => JSON.stringify(inGo('PersistentVolumeSource', spec), undefined, 1);

/** A secret may be added to what a CSI driver was given, and no more. */
function mutableCsi(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): boolean {
  const [now, before] = [spec.csi, old.csi];
  if (!now || !before) return false;
  return deepEqual(
    {
      ...now,
      controllerExpandSecretRef: before.controllerExpandSecretRef,
      nodeExpandSecretRef: before.nodeExpandSecretRef,
    },
    {
      ...before,
      controllerExpandSecretRef: before.controllerExpandSecretRef,
      nodeExpandSecretRef: before.nodeExpandSecretRef,
    },
  );
}

const stableLabels: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    'beta.kubernetes.io/os': 'kubernetes.io/os',
    'beta.kubernetes.io/arch': 'kubernetes.io/arch',
    'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
    'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
    'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
  }),
);

/** Equal, or equal but for labels that now have their final names. */
function sameAffinity(now: VolumeNodeAffinity | undefined, old: VolumeNodeAffinity): boolean {
  if (deepEqual(now, old)) return true;
  const renamed = JSON.stringify(old, (key, value: unknown) =>
    key === 'key' && typeof value === 'string' ? (stableLabels.get(value) ?? value) : value,
  );
  return now !== undefined && deepEqual(now, JSON.parse(renamed));
}

const betaClass = 'volume.beta.kubernetes.io/storage-class';
const betaOptions = 'volume.beta.kubernetes.io/mount-options';

export const persistentVolumeStrategy = strategyFor(PersistentVolume, {
  defaults(object) {
    object.spec ??= {};
    defaultSpec(object.spec);
    if (object.status) object.status.phase ||= 'Pending';
  },
  prepareCreate(object, { now }) {
    object.status = { phase: 'Pending', lastPhaseTransitionTime: now() };
  },
  prepareStatusUpdate(object, old, { now }) {
    const { status } = object;
    if (!status) return;
    const since = old.status?.lastPhaseTransitionTime;
    if (status.phase === old.status?.phase) {
      if (since !== undefined) status.lastPhaseTransitionTime ??= since;
      return;
    }
    if (status.lastPhaseTransitionTime !== old.status?.lastPhaseTransitionTime) return;
    status.lastPhaseTransitionTime = now();
  },
  validate({ spec = {}, metadata }, errors) {
    validateSpec(spec, metadata.name, errors);
  },
  validateUpdate({ spec = {}, metadata }, { spec: old = {} }, errors) {
    // Kubernetes looks twice on an update, and says twice what it finds.
    validateSpec(spec, metadata.name, errors);
    if (!deepEqual(sourceOf(spec), sourceOf(old)) && !mutableCsi(spec, old)) {
      const diff = lineDiff(sourceText(old), sourceText(spec));
      const why = 'spec.persistentvolumesource is immutable after creation';
      errors.forbidden('spec.persistentvolumesource', `${why}\n${diff}`);
    }
    if (spec.volumeMode !== old.volumeMode) errors.invalid('volumeMode', spec.volumeMode ?? null, 'field is immutable');
    if (old.nodeAffinity && !sameAffinity(spec.nodeAffinity, old.nodeAffinity)) {
      const why = 'field is immutable, except for updating from beta label to GA';
      errors.invalid('nodeAffinity', inGo('VolumeNodeAffinity', spec.nodeAffinity), why);
    }
    if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
      errors.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden');
    }
  },
  warnings({ metadata, spec = {} }) {
    const found: string[] = [];
    const warn = (text: string) => void found.push(text);
    const at = 'spec';
    if (metadata.annotations?.[betaClass] !== undefined) {
      warn(`metadata.annotations[${betaClass}]: deprecated since v1.8; use "storageClassName" attribute instead`);
    }
    if (metadata.annotations?.[betaOptions] !== undefined) {
      warn(`metadata.annotations[${betaOptions}]: deprecated since v1.31; use "mountOptions" attribute instead`);
    }
    if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
      warn(
        'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      );
    }
    spec.nodeAffinity?.required?.nodeSelectorTerms?.forEach((term, index) => {
      nodeTermWarnings(term, `${at}.nodeAffinity.required.nodeSelectorTerms[${index}]`, warn);
    });
    for (const name of sources)
      if (spec[name] !== undefined && retiredSources[name]) warn(`${at}.${retiredSources[name]}`);
    return found;
  },
});

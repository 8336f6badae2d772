import { type Volume, validateDnsLabel, validateDnsSubdomain, validatePathSegment } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkDescendingPath, checkNoBacksteps, checkOneOf, checkRange } from '../checks.ts';

/** What a rule of a source sees: the source's own fields, where it stands, and where findings go. */
type SourceRule<T> = (source: T, at: string, errors: FieldErrors) => void;

export const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

function required(source: object, at: string, errors: FieldErrors, ...fields: readonly string[]): void {
  for (const field of fields) {
    const value: unknown = Reflect.get(source, field);
    if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)) {
      errors.required(`${at}.${field}`);
    }
  }
}

function checkPartition(partition: number | undefined, at: string, errors: FieldErrors): void {
  if (partition !== undefined && partition !== 0) checkRange(`${at}.partition`, partition, 1, 255, errors);
}

const iscsiNames = {
  iqn: /iqn\.\d{4}-\d{2}\.([\w.-]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[0-9A-Fa-f]{16}$/,
  naa: /^naa.[0-9A-Fa-f]{32}$/,
} as const;

export function isIscsiName(name: string): boolean {
  const kind = (['iqn', 'eui', 'naa'] as const).find((each) => name.startsWith(each));
  return kind !== undefined && iscsiNames[kind].test(name);
}

function checkIscsiName(name: string, at: string, errors: FieldErrors): void {
  const kind = (['iqn', 'eui', 'naa'] as const).find((each) => name.startsWith(each));
  if (kind === undefined) errors.invalid(at, name, 'must be valid format starting with iqn, eui, or naa');
  else if (!iscsiNames[kind].test(name)) errors.invalid(at, name, 'must be valid format');
}

interface Iscsi {
  readonly targetPortal: string;
  readonly iqn: string;
  readonly lun: number;
  readonly chapAuthDiscovery?: boolean;
  readonly chapAuthSession?: boolean;
  readonly initiatorName?: string;
  readonly secretRef?: { readonly name?: string };
}

const validateIscsi: SourceRule<Iscsi> = (iscsi, at, errors) => {
  required(iscsi, at, errors, 'targetPortal');
  if (!iscsi.iqn) errors.required(`${at}.iqn`);
  else checkIscsiName(iscsi.iqn, `${at}.iqn`, errors);
  checkRange(`${at}.lun`, iscsi.lun ?? 0, 0, 255, errors);
  if ((iscsi.chapAuthDiscovery || iscsi.chapAuthSession) && !iscsi.secretRef) errors.required(`${at}.secretRef`);
  if (iscsi.initiatorName !== undefined) checkIscsiName(iscsi.initiatorName, `${at}.initiatorname`, errors);
};

const blobUri = /^https:\/\/.*$/;

export const validateAzureDisk: SourceRule<NonNullable<Volume['azureDisk']>> = (disk, at, errors) => {
  const { diskURI = '', kind = 'Shared', cachingMode } = disk;
  required(disk, at, errors, 'diskName', 'diskURI');
  checkOneOf(`${at}.cachingMode`, cachingMode, ['None', 'ReadOnly', 'ReadWrite'], errors);
  checkOneOf(`${at}.kind`, kind, ['Dedicated', 'Managed', 'Shared'], errors);
  if (kind === 'Managed' && !diskURI.startsWith('/')) {
    errors.notSupported(`${at}.diskURI`, diskURI, [
      '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
    ]);
  }
  if (kind !== 'Managed' && !blobUri.test(diskURI)) {
    errors.notSupported(`${at}.diskURI`, diskURI, [
      'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd',
    ]);
  }
};

export const validateFibreChannel: SourceRule<NonNullable<Volume['fc']>> = (fc, at, errors) => {
  const names = fc.targetWWNs ?? [];
  const ids = fc.wwids ?? [];
  if (names.length === 0 && ids.length === 0) {
    errors.required(`${at}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both');
  }
  if (names.length > 0 && ids.length > 0) {
    errors.invalid(`${at}.targetWWNs`, names, 'targetWWNs and wwids can not be specified simultaneously');
  }
  if (names.length > 0) {
    if (fc.lun === undefined) errors.required(`${at}.lun`, 'lun is required if targetWWNs is specified');
    else checkRange(`${at}.lun`, fc.lun, 0, 255, errors);
  }
};

const validateQuobyte: SourceRule<NonNullable<Volume['quobyte']>> = (quobyte, at, errors) => {
  const pairs = 'must be a host:port pair or multiple pairs separated by commas';
  if (!quobyte.registry) errors.required(`${at}.registry`, pairs);
  else if ((quobyte.tenant?.length ?? 0) > 64) {
    errors.required(`${at}.tenant`, 'must be a UUID and may not exceed a length of 64 characters');
  } else {
    for (const each of quobyte.registry.split(',')) {
      if (!/^(?:\[[^\][]*\]|[^:[\]]*):[^:[\]]*$/.test(each)) errors.invalid(`${at}.registry`, quobyte.registry, pairs);
    }
  }
  required(quobyte, at, errors, 'volume');
};

const validateFlocker: SourceRule<NonNullable<Volume['flocker']>> = (flocker, at, errors) => {
  const { datasetName = '', datasetUUID = '' } = flocker;
  if (datasetName === '' && datasetUUID === '') {
    errors.required(at, 'one of datasetName and datasetUUID is required');
  }
  if (datasetName !== '' && datasetUUID !== '') {
    errors.invalid(at, 'resource', 'datasetName and datasetUUID can not be specified simultaneously');
  }
  if (datasetName.includes('/')) errors.invalid(`${at}.datasetName`, datasetName, "must not contain '/'");
};

interface StorageOs {
  readonly volumeName?: string;
  readonly volumeNamespace?: string;
  readonly secretRef?: { readonly name?: string };
}

export const validateStorageOs: SourceRule<StorageOs> = (storageos, at, errors) => {
  const { volumeName, volumeNamespace, secretRef } = storageos;
  if (!volumeName) errors.required(`${at}.volumeName`);
  else errors.rule(`${at}.volumeName`, volumeName, validateDnsLabel(volumeName));
  if (volumeNamespace) errors.rule(`${at}.volumeNamespace`, volumeNamespace, validateDnsLabel(volumeNamespace));
  if (secretRef && !secretRef.name) errors.required(`${at}.secretRef.name`);
};

/** Names of CSI drivers: subdomains, whose letters may be upper case. */
export function checkDriverName(name: string | undefined, at: string, errors: FieldErrors): void {
  if (!name) {
    errors.required(at);
    return;
  }
  if (name.length > 63) errors.tooLong(at, 63);
  errors.rule(at, name, validateDnsSubdomain(name.toLowerCase()).slice(0));
}

/** Sources that a Pod and a PersistentVolume describe alike, in the order in which Kubernetes looks at them. */
export const sharedSources = {
  hostPath(source, at, errors) {
    if (!source.path) {
      errors.required(`${at}.path`);
      return;
    }
    checkNoBacksteps(source.path, `${at}.path`, errors);
    checkOneOf(`${at}.type`, source.type, hostPathTypes, errors);
  },
  gcePersistentDisk(source, at, errors) {
    required(source, at, errors, 'pdName');
    checkPartition(source.partition, at, errors);
  },
  awsElasticBlockStore(source, at, errors) {
    required(source, at, errors, 'volumeID');
    checkPartition(source.partition, at, errors);
  },
  nfs(source, at, errors) {
    required(source, at, errors, 'server', 'path');
    if (!source.path?.startsWith('/')) errors.invalid(`${at}.path`, source.path ?? '', 'must be an absolute path');
  },
  iscsi: validateIscsi,
  flocker: validateFlocker,
  rbd: (source, at, errors) => required(source, at, errors, 'monitors', 'image'),
  cinder(source, at, errors) {
    required(source, at, errors, 'volumeID');
    if (source.secretRef && !source.secretRef.name) errors.required(`${at}.secretRef.name`);
  },
  cephfs: (source, at, errors) => required(source, at, errors, 'monitors'),
  quobyte: validateQuobyte,
  fc: validateFibreChannel,
  flexVolume(source, at, errors) {
    required(source, at, errors, 'driver');
    for (const key of Object.keys(source.options ?? {})) {
      const namespace = key.split('/')[0] ?? '';
      const reserved = ['kubernetes.io', 'k8s.io'];
      if (!key.includes('/') || !reserved.some((each) => namespace === each || namespace.endsWith(`.${each}`)))
        continue;
      errors.invalid(`${at}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved');
    }
  },
  azureFile: (source, at, errors) => required(source, at, errors, 'secretName', 'shareName'),
  vsphereVolume: (source, at, errors) => required(source, at, errors, 'volumePath'),
  photonPersistentDisk: (source, at, errors) => required(source, at, errors, 'pdID'),
  portworxVolume: (source, at, errors) => required(source, at, errors, 'volumeID'),
  azureDisk: validateAzureDisk,
  storageos: validateStorageOs,
  scaleIO: (source, at, errors) => required(source, at, errors, 'gateway', 'system', 'volumeName'),
  glusterfs(source, at, errors) {
    required(source, at, errors, 'endpoints', 'path');
  },
} satisfies { readonly [Name in keyof Volume]?: SourceRule<NonNullable<Volume[Name]>> };

export type SharedSource = keyof typeof sharedSources;

/** Repositories are cloned into a directory below the volume. */
export const validateGitRepo: SourceRule<NonNullable<Volume['gitRepo']>> = (source, at, errors) => {
  required(source, at, errors, 'repository');
  checkDescendingPath(source.directory ?? '', `${at}.directory`, errors);
};

export function checkPathSegment(name: string, at: string, errors: FieldErrors): void {
  errors.rule(at, name, validatePathSegment(name));
}

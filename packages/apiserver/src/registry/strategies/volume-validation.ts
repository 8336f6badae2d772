import { compareQuantity, type Volume, validateDnsLabel, validateDnsSubdomain, zeroQuantity } from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { checkOneOf } from './checks.ts';
import { validateClaimTemplate } from './claim-validation.ts';
import { checkMode, validateDownwardFile, validateItems, validateProjected } from './pods/projected-validation.ts';
import { checkDriverName, sharedSources, validateGitRepo } from './pods/volume-sources.ts';

/** In the order in which Kubernetes looks at them: a second one is the one that it complains of. */
const sources = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
] as const;

type Source = (typeof sources)[number];
type Rules = {
  readonly [Name in Source]: (source: NonNullable<Volume[Name]>, at: string, errors: FieldErrors) => void;
};

const rules: Rules = {
  ...sharedSources,
  emptyDir({ sizeLimit }, at, errors) {
    if (sizeLimit !== undefined && compareQuantity(sizeLimit, zeroQuantity) < 0) {
      errors.forbidden(`${at}.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
    }
  },
  gitRepo: validateGitRepo,
  secret({ secretName, defaultMode, items }, at, errors) {
    if (!secretName) errors.required(`${at}.secretName`);
    checkMode(defaultMode, `${at}.defaultMode`, errors);
    validateItems(items, at, errors);
  },
  configMap({ name, defaultMode, items }, at, errors) {
    if (!name) errors.required(`${at}.name`);
    checkMode(defaultMode, `${at}.defaultMode`, errors);
    validateItems(items, at, errors);
  },
  persistentVolumeClaim({ claimName }, at, errors) {
    if (!claimName) errors.required(`${at}.claimName`);
  },
  downwardAPI({ defaultMode, items }, at, errors) {
    checkMode(defaultMode, `${at}.defaultMode`, errors);
    items?.forEach((each) => void validateDownwardFile(each, at, errors));
  },
  projected: (source, at, errors) => validateProjected(source, false, at, errors),
  csi({ driver, nodePublishSecretRef }, at, errors) {
    checkDriverName(driver, `${at}.driver`, errors);
    if (!nodePublishSecretRef) return;
    if (!nodePublishSecretRef.name) errors.required(`${at}.nodePublishSecretRef.name`);
    else errors.rule(`${at}.name`, nodePublishSecretRef.name, validateDnsSubdomain(nodePublishSecretRef.name));
  },
  ephemeral({ volumeClaimTemplate }, at, errors) {
    if (!volumeClaimTemplate) errors.required(`${at}.volumeClaimTemplate`);
    else validateClaimTemplate(volumeClaimTemplate, `${at}.volumeClaimTemplate`, errors);
  },
  image({ pullPolicy }, at, errors) {
    checkOneOf(`${at}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never'], errors);
  },
};

/** Where Kubernetes calls a source something else: in front of its fields, and where it is one too many. */
const shownAs: { readonly [Name in Source]?: string } = { gcePersistentDisk: 'persistentDisk' };
const tooManyAs: { readonly [Name in Source]?: string } = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

/** Answers with the volumes by name. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  at: string,
  errors: FieldErrors,
  { podName, template = false }: { readonly podName?: string; readonly template?: boolean } = {},
): ReadonlyMap<string, Volume> {
  const byName = new Map<string, Volume>();
  volumes?.forEach((volume, index) => {
    const here = `${at}[${index}]`;
    const { name } = volume;
    const before = errors.list.length;
    const first = validateSource(volume, template, here, errors);
    if (first === 'ephemeral' && podName !== undefined && name) {
      const claim = `${podName}-${name}`;
      for (const each of validateDnsSubdomain(claim)) {
        errors.invalid(`${here}.name`, name, `PVC name ${JSON.stringify(claim)}: ${each}`);
      }
    }
    if (!name) errors.required(`${here}.name`);
    else errors.rule(`${here}.name`, name, validateDnsLabel(name));
    if (byName.has(name)) errors.duplicate(`${here}.name`, name);
    // A volume with a finding is no volume: what mounts it will not find it.
    if (errors.list.length === before) byName.set(name, volume);
  });
  return byName;
}

function validateSource(volume: Volume, template: boolean, at: string, errors: FieldErrors): Source | undefined {
  let first: Source | undefined;
  for (const name of sources) {
    if (volume[name] === undefined) continue;
    if (first !== undefined) {
      errors.forbidden(`${at}.${tooManyAs[name] ?? name}`, 'may not specify more than 1 volume type');
      continue;
    }
    first = name;
    // A template may leave the image to whoever fills it in.
    if (!template && name === 'image' && !volume.image?.reference) errors.required(`${at}.image.reference`);
    checkSource(name, volume, `${at}.${shownAs[name] ?? name}`, errors);
    if (name === 'iscsi' && volume.iscsi?.initiatorName !== undefined && volume.name.length > 64) {
      errors.tooLong(`${at}.name`, 64);
    }
  }
  if (first === undefined) errors.required(at, 'must specify a volume type');
  return first;
}

function checkSource<Name extends Source>(name: Name, volume: Volume, at: string, errors: FieldErrors): void {
  const source = volume[name];
  if (source !== undefined) rules[name](source, at, errors);
}

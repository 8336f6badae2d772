import { type Volume, validateDnsLabel } from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { checkOneOf } from './checks.ts';

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
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'persistentVolumeClaim',
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

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** Answers with the names of the volumes. */
export function validateVolumes(volumes: readonly Volume[], at: string, errors: FieldErrors): Set<string> {
  const names = new Set<string>();
  volumes.forEach((volume, index) => {
    const here = `${at}[${index}]`;
    validateSource(volume, here, errors);
    if (!volume.name) errors.required(`${here}.name`);
    else {
      const sentences = validateDnsLabel(volume.name);
      errors.rule(`${here}.name`, volume.name, sentences);
      if (sentences.length === 0 && names.has(volume.name)) errors.duplicate(`${here}.name`, volume.name);
      names.add(volume.name);
    }
  });
  return names;
}

function validateSource(volume: Volume, at: string, errors: FieldErrors): void {
  const [first, ...more] = sources.filter((each) => volume[each] !== undefined);
  for (const each of more) errors.forbidden(`${at}.${each}`, 'may not specify more than 1 volume type');
  if (first === undefined) errors.required(at, 'must specify a volume type');
  const { hostPath, secret, configMap, persistentVolumeClaim: claim, csi, downwardAPI } = volume;
  if (first === 'hostPath' && hostPath) {
    if (!hostPath.path) errors.required(`${at}.hostPath.path`);
    else if (hostPath.path.split('/').includes('..')) {
      errors.invalid(`${at}.hostPath.path`, hostPath.path, "must not contain '..'");
    }
    checkOneOf(`${at}.hostPath.type`, hostPath.type, hostPathTypes, errors);
  }
  if (first === 'secret' && !secret?.secretName) errors.required(`${at}.secret.secretName`);
  if (first === 'configMap' && !configMap?.name) errors.required(`${at}.configMap.name`);
  if (first === 'persistentVolumeClaim' && !claim?.claimName) errors.required(`${at}.persistentVolumeClaim.claimName`);
  if (first === 'csi' && !csi?.driver) errors.required(`${at}.csi.driver`);
  if (first === 'downwardAPI') {
    for (const item of downwardAPI?.items ?? []) {
      if (!item.path) errors.required(`${at}.downwardAPI.path`);
      else if (item.path.split('/').includes('..')) {
        errors.invalid(`${at}.downwardAPI.path`, item.path, "must not contain '..'");
      }
      if (!item.fieldRef && !item.resourceFieldRef) {
        errors.required(`${at}.downwardAPI`, 'one of fieldRef and resourceFieldRef is required');
      }
    }
  }
}

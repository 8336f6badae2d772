import type { Container, Volume } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkDescendingPath, checkOneOf } from '../checks.ts';

const propagations = ['Bidirectional', 'HostToContainer', 'None'];
const recursiveModes = ['Disabled', 'Enabled', 'IfPossible'];

type Mounting = Pick<Container, 'volumeMounts' | 'volumeDevices' | 'securityContext'>;

/** `volumes`: those of the pod by name. */
export function validateMounts(
  container: Mounting,
  volumes: ReadonlyMap<string, Volume>,
  at: string,
  errors: FieldErrors,
): void {
  const { volumeMounts, volumeDevices } = container;
  if (!volumeMounts) return;
  const here = `${at}.volumeMounts`;
  const deviceNames = new Set(volumeDevices?.map((each) => each.name));
  const devicePaths = new Set(volumeDevices?.map((each) => each.devicePath));
  const paths = new Set<string>();
  volumeMounts.forEach((mount, index) => {
    const { name, mountPath, subPath, subPathExpr, mountPropagation, recursiveReadOnly } = mount;
    const own = `${here}[${index}]`;
    if (!name) errors.required(`${own}.name`);
    if (!volumes.has(name)) errors.notFound(`${own}.name`, name);
    if (!mountPath) errors.required(`${own}.mountPath`);
    if (paths.has(mountPath)) errors.invalid(`${own}.mountPath`, mountPath, 'must be unique');
    paths.add(mountPath);
    if (deviceNames.has(name)) errors.invalid(`${own}.name`, name, 'must not already exist in volumeDevices');
    if (devicePaths.has(mountPath)) {
      errors.invalid(`${own}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices');
    }
    if (subPath) checkDescendingPath(subPath, `${here}.subPath`, errors);
    if (subPathExpr) {
      if (subPath) errors.invalid(`${own}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive');
      checkDescendingPath(subPathExpr, `${here}.subPathExpr`, errors);
    }
    if (mountPropagation !== undefined) {
      checkOneOf(`${here}.mountPropagation`, mountPropagation, propagations, errors);
      if (mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true) {
        const why = 'Bidirectional mount propagation is available only to privileged containers';
        errors.forbidden(`${here}.mountPropagation`, why);
      }
    }
    if (recursiveReadOnly !== undefined) validateRecursive(mount, `${here}.recursiveReadOnly`, errors);
  });
}

function validateRecursive(
  {
    readOnly,
    recursiveReadOnly = '',
    mountPropagation = '',
  }: { readonly readOnly?: boolean; readonly recursiveReadOnly?: string; readonly mountPropagation?: string },
  at: string,
  errors: FieldErrors,
): void {
  if (!recursiveModes.includes(recursiveReadOnly)) {
    errors.notSupported(at, recursiveReadOnly, recursiveModes);
    return;
  }
  if (recursiveReadOnly === 'Disabled') return;
  if (!readOnly) errors.forbidden(at, 'may only be specified when readOnly is true');
  if (mountPropagation !== '' && mountPropagation !== 'None') {
    errors.forbidden(at, 'may only be specified when mountPropagation is None or not specified');
  }
}

export function validateDevices(
  { volumeDevices, volumeMounts }: Mounting,
  volumes: ReadonlyMap<string, Volume>,
  at: string,
  errors: FieldErrors,
): void {
  if (!volumeDevices?.length) return;
  const here = `${at}.volumeDevices`;
  const mountNames = new Set(volumeMounts?.map((each) => each.name));
  const mountPaths = new Set(volumeMounts?.map((each) => each.mountPath));
  const names = new Set<string>();
  const paths = new Set<string>();
  volumeDevices.forEach(({ name, devicePath }, index) => {
    const own = `${here}[${index}]`;
    if (!name) errors.required(`${own}.name`);
    if (names.has(name)) errors.invalid(`${own}.name`, name, 'must be unique');
    const volume = volumes.get(name);
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.invalid(`${own}.name`, name, why);
    }
    if (!volume) errors.notFound(`${own}.name`, name);
    if (!devicePath) errors.required(`${own}.devicePath`);
    if (paths.has(devicePath)) errors.invalid(`${own}.devicePath`, devicePath, 'must be unique');
    if (devicePath?.split('/').includes('..')) {
      errors.invalid(`${own}.devicePath`, devicePath, "can not contain backsteps ('..')");
    } else paths.add(devicePath);
    if (mountNames.has(name)) errors.invalid(`${own}.name`, name, 'must not already exist in volumeMounts');
    if (mountPaths.has(devicePath)) {
      errors.invalid(`${own}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts');
    }
    if (name) names.add(name);
  });
}

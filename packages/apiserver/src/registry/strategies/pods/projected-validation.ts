import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, VolumeProjection } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkNonReservedPath } from '../checks.ts';
import { validateFieldRef, validateResourceFieldRef, volumeFields } from './environment-validation.ts';

const modeMessage = 'must be a number between 0 and 0777 (octal), both inclusive';

export function checkMode(mode: number | undefined, at: string, errors: FieldErrors): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) errors.invalid(at, mode, modeMessage);
}

export function validateKeyToPath({ key, path, mode }: KeyToPath, at: string, errors: FieldErrors): void {
  if (!key) errors.required(`${at}.key`);
  if (!path) errors.required(`${at}.path`);
  else checkNonReservedPath(path, `${at}.path`, errors);
  checkMode(mode, `${at}.mode`, errors);
}

export function validateItems(items: readonly KeyToPath[] | undefined, at: string, errors: FieldErrors): void {
  items?.forEach((each, index) => void validateKeyToPath(each, `${at}.items[${index}]`, errors));
}

/** One file of the downward API; Kubernetes leaves the number of the item out of the path. */
export function validateDownwardFile(file: DownwardAPIVolumeFile, at: string, errors: FieldErrors): void {
  const { path, fieldRef, resourceFieldRef, mode } = file;
  if (!path) errors.required(`${at}.path`);
  else checkNonReservedPath(path, `${at}.path`, errors);
  if (fieldRef) {
    validateFieldRef(fieldRef, volumeFields, `${at}.fieldRef`, errors);
    if (resourceFieldRef)
      errors.invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
  } else if (resourceFieldRef) validateResourceFieldRef(resourceFieldRef, true, `${at}.resourceFieldRef`, errors);
  else errors.required(at, 'one of fieldRef and resourceFieldRef is required');
  checkMode(mode, `${at}.mode`, errors);
}

const leastToken = 10 * 60;
const mostToken = 2 ** 32;

/** `keepsPaths`: token paths that stood there before the rule came may stay. */
export function validateProjected(
  projected: ProjectedVolumeSource,
  keepsPaths: boolean,
  at: string,
  errors: FieldErrors,
): void {
  checkMode(projected.defaultMode, `${at}.defaultMode`, errors);
  const taken = new Set<string>();
  projected.sources?.forEach((source, index) => {
    const claim = (path: string, shown: string) => {
      if (path === '') return;
      if (taken.has(path)) errors.invalid(at, shown, 'conflicting duplicate paths');
      else taken.add(path);
    };
    validateSource(source, at, `${at}.sources[${index}]`, keepsPaths, claim, errors);
  });
}

function validateSource(
  source: VolumeProjection,
  whole: string,
  at: string,
  keepsPaths: boolean,
  claim: (path: string, shown: string) => void,
  errors: FieldErrors,
): void {
  let count = 0;
  for (const name of ['secret', 'configMap'] as const) {
    const projection = source[name];
    if (!projection) continue;
    count++;
    if (!projection.name) errors.required(`${at}.${name}.name`);
    projection.items?.forEach((each, index) => {
      validateKeyToPath(each, `${at}.${name}.items[${index}]`, errors);
      claim(each.path, projection.name ?? '');
    });
  }
  if (source.downwardAPI) {
    count++;
    source.downwardAPI.items?.forEach((each) => {
      validateDownwardFile(each, `${at}.downwardAPI`, errors);
      claim(each.path, each.path);
    });
  }
  if (source.serviceAccountToken) {
    count++;
    const { expirationSeconds: seconds = 0, path } = source.serviceAccountToken;
    const field = `${at}.serviceAccountToken.expirationSeconds`;
    if (seconds < leastToken) errors.invalid(field, seconds, 'may not specify a duration less than 10 minutes');
    if (seconds > mostToken) errors.invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds');
    if (!path) errors.required(`${whole}.path`);
    else if (!keepsPaths) checkNonReservedPath(path, `${whole}.path`, errors);
  }
  if (count > 1) errors.forbidden(at, 'may not specify more than 1 volume type per source');
}

import {
  compareQuantity,
  formatQuantity,
  type PersistentVolumeClaimSpec,
  type PersistentVolumeClaimTemplate,
  type TypedObjectReference,
  validateAnnotations,
  validateDnsLabel,
  validateDnsSubdomain,
  zeroQuantity,
} from '@keelson/core';
import { hollowMember } from '../../schema/index.ts';
import type { FieldErrors } from '../strategy.ts';
import { checkLabels, checkOneOf, checkSelector } from './checks.ts';
import { validateResourceQuantity } from './pods/resource-validation.ts';

export const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

/** Whether the mode that allows no other stands beside one; what is no mode counts for nothing. */
export function mixesOneOnly(modes: readonly string[]): boolean {
  return (
    modes.includes('ReadWriteOncePod') &&
    modes.some((each) => each !== 'ReadWriteOncePod' && accessModes.includes(each))
  );
}

/** Metadata that a template cannot give, as errors call it. */
const notOfTemplates = [
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'ownerReferences',
  'finalizers',
  'managedFields',
];

/** The metadata of a template holds labels and annotations; an empty list of owners is too much, too. */
export function forbidOtherMetadata(metadata: object, at: string, errors: FieldErrors): void {
  for (const field of notOfTemplates) {
    const value: unknown = hollowMember(metadata, field) ?? Reflect.get(metadata, field);
    // A generation of 0 is none; a period of 0 seconds is one.
    if (value === undefined || value === null || value === '' || (value === 0 && field === 'generation')) continue;
    errors.forbidden(`${at}.${field === 'uid' ? 'uID' : field}`, 'cannot be set');
  }
}

/** Volumes that are made for one pod; the metadata may only hold labels and annotations. */
export function validateClaimTemplate(template: PersistentVolumeClaimTemplate, at: string, errors: FieldErrors): void {
  const { metadata, spec } = template;
  if (metadata) {
    errors.list.push(...validateAnnotations(metadata.annotations, `${at}.metadata.annotations`));
    checkLabels(metadata.labels, `${at}.metadata.labels`, errors);
    forbidOtherMetadata(metadata, `${at}.metadata`, errors);
  }
  validateClaimSpec(spec, `${at}.spec`, errors);
}

/** A data source with a group needs nothing; the core group offers claims only. */
function validateDataSource(
  source: TypedObjectReference,
  at: string,
  errors: FieldErrors,
  namespaced: boolean,
  anyGroup: boolean,
): void {
  const { name, kind = '', namespace } = source;
  // Null is what Go writes for an absent group.
  const apiGroup = source.apiGroup ?? '';
  if (!name) errors.required(`${at}.name`);
  if (!kind) errors.required(`${at}.kind`);
  if (apiGroup === '') {
    if (kind !== 'PersistentVolumeClaim') {
      errors.invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
    }
  } else if (!anyGroup) errors.rule(`${at}.apiGroup`, apiGroup, validateDnsSubdomain(apiGroup));
  if (namespaced && namespace) errors.rule(`${at}.namespace`, namespace, validateDnsLabel(namespace));
}

export function validateClaimSpec(
  spec: PersistentVolumeClaimSpec | undefined,
  at: string,
  errors: FieldErrors,
  keeps: { readonly selector?: boolean; readonly apiGroup?: boolean } = {},
): void {
  const { accessModes: modes = [], selector, resources, storageClassName, volumeMode } = spec ?? {};
  if (modes.length === 0) errors.required(`${at}.accessModes`, 'at least 1 access mode is required');
  if (!keeps.selector) checkSelector(selector, `${at}.selector`, errors);
  for (const each of modes) checkOneOf(`${at}.accessModes`, each, accessModes, errors);
  if (mixesOneOnly(modes)) {
    errors.forbidden(`${at}.accessModes`, 'may not use ReadWriteOncePod with other access modes');
  }
  const storage = resources?.requests?.['storage'];
  if (storage === undefined) errors.required(`${at}.resources[storage]`);
  else if (compareQuantity(storage, zeroQuantity) <= 0) {
    errors.invalid(`${at}.resources[storage]`, formatQuantity(storage), 'must be greater than zero');
  } else validateResourceQuantity('storage', storage, `${at}.resources[storage]`, errors);
  if (storageClassName) {
    errors.rule(`${at}.storageClassName`, storageClassName, validateDnsSubdomain(storageClassName));
  }
  checkOneOf(`${at}.volumeMode`, volumeMode, ['Block', 'Filesystem'], errors);
  validateSources(spec, at, keeps.apiGroup ?? false, errors);
  const attributes = spec?.volumeAttributesClassName;
  if (attributes) errors.rule(`${at}.volumeAttributesClassName`, attributes, validateDnsSubdomain(attributes));
}

function validateSources(
  spec: PersistentVolumeClaimSpec | undefined,
  at: string,
  anyGroup: boolean,
  errors: FieldErrors,
): void {
  const { dataSource, dataSourceRef } = spec ?? {};
  if (dataSource) validateDataSource(dataSource, `${at}.dataSource`, errors, false, anyGroup);
  if (dataSourceRef) validateDataSource(dataSourceRef, `${at}.dataSourceRef`, errors, true, anyGroup);
  if (dataSourceRef?.namespace) {
    if (dataSource) {
      errors.invalid(at, {}, 'may not be specified when dataSourceRef.namespace is specified');
    }
  } else if (dataSource && dataSourceRef) {
    const same = (['kind', 'name', 'apiGroup'] as const).every(
      (each) => (dataSource[each] ?? '') === (dataSourceRef[each] ?? ''),
    );
    if (!same) errors.invalid(at, {}, 'must match dataSourceRef');
  }
}

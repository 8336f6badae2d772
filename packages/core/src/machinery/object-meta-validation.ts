import type { ObjectMeta, OwnerReference } from '../api/index.ts';
import { validateLabelValue, validateQualifiedName } from './name-validation.ts';
import type { FieldError } from './status-error.ts';

const mostAnnotationBytes = 256 * 1024;
const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** Labels as they may stand on any object. `path` is for example `metadata.labels`. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...validateQualifiedName(key).map((why) => invalid(path, key, why)),
    ...validateLabelValue(value).map((why) => invalid(path, value, why)),
  ]);
}

/** Annotations: keys in lower case must be qualified names, and all together at most 256 KiB. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const encoder = new TextEncoder();
  const entries = Object.entries(annotations ?? {});
  const errors = entries.flatMap(([key]) =>
    validateQualifiedName(key.toLowerCase()).map((why) => invalid(path, key, why)),
  );
  const size = entries.reduce(
    (sum, [key, value]) => sum + encoder.encode(key).length + encoder.encode(value).length,
    0,
  );
  if (size > mostAnnotationBytes) {
    errors.push({
      type: 'FieldValueTooLong',
      field: path,
      message: `Too long: may not be more than ${mostAnnotationBytes} bytes`,
    });
  }
  return errors;
}

/** Finalizers: qualified names, and with a prefix unless they are Kubernetes' own. */
export function validateFinalizers(finalizers: readonly string[] | undefined, path: string): FieldError[] {
  const errors = (finalizers ?? []).flatMap((each) =>
    validateQualifiedName(each).map((why) => invalid(path, each, why)),
  );
  (finalizers ?? []).forEach((each, at) => {
    if (!each.includes('/') && !standardFinalizers.includes(each)) {
      const why = 'name is neither a standard finalizer name nor is it fully qualified';
      errors.push(invalid(`${path}[${at}]`, each, why));
    }
  });
  if (finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return errors;
}

/** Owner references: all four names given, no Event as owner, at most one controller. */
export function validateOwnerReferences(references: readonly OwnerReference[] | undefined, path: string): FieldError[] {
  const list = references ?? [];
  const errors: FieldError[] = [];
  let controller: OwnerReference | undefined;
  for (const each of list) {
    errors.push(...validateOwnerReference(each, path));
    if (each.controller !== true) continue;
    if (controller) {
      const names = `${controller.kind}/${controller.name} and ${each.kind}/${each.name}`;
      const why = `Only one reference can have Controller set to true. Found "true" in references for ${names}`;
      errors.push(invalid(path, list, why));
    }
    controller = each;
  }
  return errors;
}

function validateOwnerReference(reference: OwnerReference, path: string): FieldError[] {
  const { apiVersion = '', kind = '', name = '', uid = '' } = reference;
  const parts = apiVersion.split('/');
  const version = parts.length > 2 ? '' : (parts.at(-1) ?? '');
  const group = parts.length === 2 ? parts[0] : '';
  const errors: FieldError[] = [];
  if (version === '') errors.push(invalid(`${path}.apiVersion`, apiVersion, 'version must not be empty'));
  for (const [field, value] of Object.entries({ kind, name, uid })) {
    if (value === '') errors.push(invalid(`${path}.${field}`, value, 'must not be empty'));
  }
  if (kind === 'Event' && version === 'v1' && (group === '' || group === 'events.k8s.io')) {
    errors.push(invalid(path, reference, `${group}/v1, Kind=Event is disallowed from being an owner`));
  }
  return errors;
}

/** All that is the same for the metadata of every kind, except the name. */
export function validateObjectMeta(meta: ObjectMeta, path = 'metadata'): FieldError[] {
  const errors: FieldError[] = [];
  if ((meta.generation ?? 0) < 0) {
    errors.push(invalid(`${path}.generation`, meta.generation, 'must be greater than or equal to 0'));
  }
  return [
    ...errors,
    ...validateLabels(meta.labels, `${path}.labels`),
    ...validateAnnotations(meta.annotations, `${path}.annotations`),
    ...validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`),
    ...validateFinalizers(meta.finalizers, `${path}.finalizers`),
  ];
}

function invalid(field: string, value: unknown, why: string): FieldError {
  return { type: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

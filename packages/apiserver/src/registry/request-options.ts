import { type ApiRequest, type FieldError, StatusError } from '@keelson/core';
import { checkManagerName } from './object-metadata.ts';

const kinds: Readonly<Record<string, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'DeleteOptions',
};

/** Values of options that the API does not know. Throws a 422 that names the options' kind. */
export function checkRequestOptions({
  verb,
  options,
  patchType,
}: Pick<ApiRequest, 'verb' | 'options' | 'patchType'>): void {
  const kind = kinds[verb];
  if (kind === undefined || options === undefined) return;
  const errors: FieldError[] = [];
  const unsupported = (field: string, value: unknown, supported: readonly string[]) =>
    errors.push({
      type: 'FieldValueNotSupported',
      field,
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((each) => JSON.stringify(each)).join(', ')}`,
    });
  if (options.dryRun?.some((each) => each !== 'All')) unsupported('dryRun', options.dryRun, ['All']);
  const { fieldValidation } = options;
  if (fieldValidation !== undefined && !['Ignore', 'Warn', 'Strict'].includes(fieldValidation)) {
    unsupported('fieldValidation', fieldValidation, ['', 'Ignore', 'Strict', 'Warn']);
  }
  if (options.fieldManager !== undefined) checkManagerName(options.fieldManager, 'fieldManager', errors);
  if (verb === 'patch' && patchType === 'application/apply-patch+yaml' && !options.fieldManager) {
    errors.push({
      type: 'FieldValueRequired',
      field: 'fieldManager',
      message: 'Required value: is required for apply patch',
    });
  }
  if (verb === 'patch' && patchType !== 'application/apply-patch+yaml' && options.force !== undefined) {
    errors.push({
      type: 'FieldValueForbidden',
      field: 'force',
      message: 'Forbidden: may not be specified for non-apply patch',
    });
  }
  if (errors.length > 0) throw StatusError.invalid({ group: 'meta.k8s.io', resource: kind }, '', errors);
}

import { type ApiRequest, type FieldError, StatusError } from '@keelson/core';
import { checkManagerName } from './object-metadata.ts';

const kinds: Readonly<Record<string, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'DeleteOptions',
};

/** Options of a write as they were sent: the texts need not be ones that there are. */
export interface SentOptions {
  readonly dryRun?: readonly string[];
  readonly fieldValidation?: string;
  readonly fieldManager?: string;
  readonly force?: boolean;
}

/** Values of options that the API does not know. Throws a 422 that names the options' kind. */
export function checkRequestOptions({
  verb,
  options,
  patchType,
}: Pick<ApiRequest, 'verb' | 'patchType'> & { readonly options?: SentOptions }): void {
  const kind = kinds[verb];
  if (kind === undefined || options === undefined) return;
  const errors: FieldError[] = [];
  const add = (type: FieldError['type'], field: string, message: string) => errors.push({ type, field, message });
  const unsupported = (field: string, value: unknown, supported: readonly string[]) => {
    const values = supported.map((each) => JSON.stringify(each)).join(', ');
    add('FieldValueNotSupported', field, `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`);
  };
  const { dryRun, fieldValidation, fieldManager, force } = options;
  if (verb === 'patch') {
    const applies = patchType === 'application/apply-patch+yaml';
    if (applies && !fieldManager) {
      add('FieldValueRequired', 'fieldManager', 'Required value: is required for apply patch');
    }
    if (!applies && force !== undefined) {
      add('FieldValueForbidden', 'force', 'Forbidden: may not be specified for non-apply patch');
    }
  }
  if (fieldManager !== undefined) checkManagerName(fieldManager, 'fieldManager', errors);
  if (dryRun?.some((each) => each !== 'All')) unsupported('dryRun', dryRun, ['All']);
  if (fieldValidation !== undefined && !isFieldValidation(fieldValidation)) {
    unsupported('fieldValidation', fieldValidation, ['', 'Ignore', 'Strict', 'Warn']);
  }
  if (errors.length > 0) throw StatusError.invalid({ group: 'meta.k8s.io', resource: kind }, '', errors);
}

export const isFieldValidation = (text: string): text is 'Ignore' | 'Strict' | 'Warn' =>
  text === 'Ignore' || text === 'Strict' || text === 'Warn';

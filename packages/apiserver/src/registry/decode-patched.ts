import { type JsonValue, StatusError } from '@keelson/core';
import { DecodeError } from '../schema/index.ts';
import type { Call } from './admission-chain.ts';
import { isObject, type ObjectDraft } from './draft.ts';

/** What Kubernetes says of a patch whose outcome is no object of the kind. */
export function decodePatched({ kind, request, warnings }: Call, patched: JsonValue): ObjectDraft {
  const bad = (why: string) =>
    StatusError.invalid({ group: '', resource: '' }, '', [
      {
        type: 'FieldValueInvalid',
        field: 'patch',
        message: `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${why}`,
      },
    ]);
  if (!isObject(patched)) throw bad('json: cannot unmarshal into an object');
  try {
    const { object, unknown } = kind.decode(patched);
    const findings = request.bodyFindings?.(unknown) ?? unknown;
    if (findings.length > 0) {
      const validation = request.options?.fieldValidation ?? 'Warn';
      if (validation === 'Strict') throw bad(`strict decoding error: ${findings.join(', ')}`);
      if (validation === 'Warn') warnings.push(...findings);
    }
    return object;
  } catch (error) {
    if (error instanceof DecodeError) throw bad(error.message);
    throw error;
  }
}

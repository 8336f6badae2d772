import type { FieldError } from '@keelson/core';
import { NumberText } from './number-text.ts';

/** A JSON value that does not fit its schema; the message is the one that Kubernetes' decoder gives. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** It is known which field is meant, so that some say that the object is invalid. */
export class InvalidFieldError extends DecodeError {
  readonly fields: readonly FieldError[];

  constructor(fields: readonly FieldError[]) {
    super(fields.map(({ field, message }) => `${field}: ${message}`).join(', '));
    this.fields = fields;
  }
}

/** What Go's decoder calls a JSON value. */
export function describeJson(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return value instanceof NumberText ? 'number' : typeof value;
}

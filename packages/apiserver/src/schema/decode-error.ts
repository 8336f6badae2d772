import { NumberText } from './number-text.ts';

/** A JSON value that does not fit its schema; the message is the one that Kubernetes' decoder gives. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** What Go's decoder calls a JSON value. */
export function describeJson(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return value instanceof NumberText ? 'number' : typeof value;
}

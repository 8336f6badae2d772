import { NumberText } from './number-text.ts';

/** A copy of plain JSON that shares nothing with the caller's value. */
export function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof NumberText) return Number(value.text);
  return Array.isArray(value) ? value.map(copy) : copyObject(value);
}

function copyObject(value: object): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    if (each === undefined) continue;
    if (key === '__proto__') Object.defineProperty(result, key, { value: copy(each), enumerable: true });
    else result[key] = copy(each);
  }
  return result;
}

/** A value that JSON can hold; `undefined` members count as absent. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
/** An object as JSON has it. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/** Whether the value is an object and no list; what is in it is not looked at. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the value is a list; what is in it is not looked at. */
export function isJsonArray(value: unknown): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/**
 * So deep may nest what is taken in; Kubernetes' own limit is 10,000. Code that goes down level by level must not come near
 * the end of the stack: a regular expression that V8 compiles there ends the process, and cannot be caught.
 */
export const deepestJson = 400;

/** Whether a value has more levels than this; looks no deeper. */
export function nestsDeeper(value: unknown, levels = deepestJson): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels <= 0) return true;
  for (const each of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof each === 'object' && each !== null && nestsDeeper(each, levels - 1)) return true;
  }
  return false;
}

/** What Go's decoder calls a value of this kind in its errors. */
export function jsonKind(value: unknown): 'object' | 'array' | 'string' | 'number' | 'bool' | 'null' {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'object':
      return 'object';
    default:
      return 'number';
  }
}

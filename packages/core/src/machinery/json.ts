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

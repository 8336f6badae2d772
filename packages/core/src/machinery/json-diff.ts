import { deepEqual } from './deep-equal.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json.ts';

/** One operation of a JSON patch (RFC 6902), of those that a comparison needs. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string };

const escaped = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');

/**
 * The JSON patch that makes `after` of `before`; empty where they are equal. Lists of another length are replaced as a
 * whole: what moved in them cannot be told.
 */
export function jsonPatchBetween(before: JsonValue, after: JsonValue): readonly JsonPatchOperation[] {
  const operations: JsonPatchOperation[] = [];
  compare(before, after, '', operations);
  return operations;
}

function compare(before: JsonValue, after: JsonValue, path: string, operations: JsonPatchOperation[]): void {
  if (deepEqual(before, after)) return;
  if (isJsonObject(before) && isJsonObject(after)) compareMembers(before, after, path, operations);
  else if (isJsonArray(before) && isJsonArray(after) && before.length === after.length) {
    for (const [index, each] of before.entries()) compare(each, after[index] ?? null, `${path}/${index}`, operations);
  } else operations.push({ op: 'replace', path, value: after });
}

function compareMembers(before: JsonObject, after: JsonObject, path: string, operations: JsonPatchOperation[]): void {
  const has = (object: JsonObject, key: string) => Object.hasOwn(object, key) && object[key] !== undefined;
  for (const key of Object.keys(before)) {
    if (has(before, key) && !has(after, key)) operations.push({ op: 'remove', path: `${path}/${escaped(key)}` });
  }
  for (const key of Object.keys(after)) {
    if (!has(after, key)) continue;
    const at = `${path}/${escaped(key)}`;
    const value = after[key] ?? null;
    if (has(before, key)) compare(before[key] ?? null, value, at, operations);
    else operations.push({ op: 'add', path: at, value });
  }
}

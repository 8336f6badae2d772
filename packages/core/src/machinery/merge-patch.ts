import { deepEqual } from './deep-equal.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, jsonKind } from './json.ts';
import { StatusError } from './status-error.ts';

/**
 * Applies a JSON merge patch (RFC 7386): objects merge, `null` removes, everything else replaces. As with Kubernetes,
 * objects inside of lists lose their members that are `null`, too, unless the list takes the place of an object.
 */
export function applyMergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (isJsonArray(patch)) return isJsonObject(target) ? patch : patch.map(withoutNulls);
  if (!isJsonObject(patch)) return patch;
  const result = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) result.delete(key);
    else result.set(key, applyMergePatch(result.get(key), value));
  }
  return Object.fromEntries(result);
}

function withoutNulls(value: JsonValue): JsonValue {
  if (isJsonArray(value)) return value.map(withoutNulls);
  return isJsonObject(value) ? applyMergePatch(undefined, value) : value;
}

/**
 * What the body of a merge patch request must be. Throws `StatusError` 400 with the API's words.
 */
export function readMergePatch(patch: unknown): JsonObject {
  if (patch === null) throw StatusError.badRequest('Invalid JSON Patch');
  if (isJsonObject(patch)) return patch;
  throw StatusError.badRequest(
    `error decoding patch: json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`,
  );
}

/**
 * The smallest merge patch that turns `from` into `to`; `{}` if they are equal. Members that are `null` in `to` come out
 * absent: the format cannot say it otherwise.
 */
export function createMergePatch(from: unknown, to: unknown): JsonObject {
  if (!isJsonObject(from) || !isJsonObject(to)) throw new TypeError('a merge patch is made between two objects');
  return difference(from, to);
}

function difference(from: JsonObject, to: JsonObject): JsonObject {
  const patch: [string, JsonValue][] = [];
  for (const [key, value] of Object.entries(from)) {
    if (value !== undefined && (to[key] === undefined || !Object.hasOwn(to, key))) patch.push([key, null]);
  }
  for (const [key, value] of Object.entries(to)) {
    if (value === undefined) continue;
    const old = Object.hasOwn(from, key) ? from[key] : undefined;
    if (deepEqual(old, value)) continue;
    patch.push([key, isJsonObject(old) && isJsonObject(value) ? difference(old, value) : value]);
  }
  return Object.fromEntries(patch);
}

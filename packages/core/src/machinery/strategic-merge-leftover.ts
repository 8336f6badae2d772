import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, jsonKind } from './json.ts';
import { findByKey, sameScalar } from './strategic-merge-order.ts';
import {
  deletePrefix,
  directive,
  mergeObject,
  orderPrefix,
  type PatchField,
  type PatchSchema,
  retainKeys,
  strategyOf,
  withoutDirectives,
  withoutNulls,
} from './strategic-merge-patch.ts';

/**
 * What is left of a strategic merge patch once it has been applied: directives that were followed are gone, and nulls of
 * what was new. The API shows a patch so where its outcome is no object of the kind.
 */
export function leftoverOfPatch(original: JsonObject, patch: JsonObject, schema: PatchSchema | undefined): JsonObject {
  if (patch[directive] !== undefined) {
    const { [directive]: what, ...rest } = patch;
    return what === 'replace' ? rest : patch;
  }
  const left = Object.entries(patch).flatMap(([key, value]): [string, JsonValue][] => {
    if (value === undefined || key === retainKeys || key.startsWith(orderPrefix)) return [];
    if (patch[`${orderPrefix}/${key}`] !== undefined) return [];
    const deleting = key.startsWith(deletePrefix);
    const name = deleting ? key.slice(deletePrefix.length + 1) : key;
    return [[key, leftoverOfField(original[name], value, schema?.field(name), deleting)]];
  });
  return Object.fromEntries(left);
}

/** Directives within what is new are gone with all that they stand in, but for what stands in the patch itself. */
function leftoverOfNew(value: JsonValue): JsonValue {
  const bare = withoutNulls(value);
  return isJsonArray(bare) ? bare.map((each) => withoutDirectives(each) ?? each) : (withoutDirectives(bare) ?? bare);
}

function leftoverOfField(
  old: JsonValue | undefined,
  value: JsonValue,
  field: PatchField | undefined,
  deleting: boolean,
): JsonValue {
  if (value === null) return value;
  if (old === undefined || jsonKind(old) !== jsonKind(value)) return deleting ? value : leftoverOfNew(value);
  if (isJsonObject(old) && isJsonObject(value)) {
    return strategyOf(field) === 'replace' ? value : leftoverOfPatch(old, value, field?.schema);
  }
  const mergeKey = field?.patchMergeKey;
  if (!isJsonArray(old) || !isJsonArray(value) || !mergeKey || !(deleting || strategyOf(field) === 'merge'))
    return value;
  // What is new becomes part of the list as it is, so that more of the same key changes it.
  const added: { readonly key: JsonValue | undefined; readonly at: number; now: JsonObject }[] = [];
  const left = value.map((each, at) => {
    if (!isJsonObject(each) || each[directive] !== undefined) return each;
    const key = each[mergeKey];
    const known = old[findByKey(old, mergeKey, key)];
    if (isJsonObject(known)) return leftoverOfPatch(known, each, field?.schema);
    const same = added.find((other) => sameScalar(other.key, key));
    if (!same) {
      added.push({ key, at, now: each });
      return each;
    }
    const rest = leftoverOfPatch(same.now, each, field?.schema);
    same.now = mergeObject(same.now, each, field?.schema);
    return rest;
  });
  for (const { at, now } of added) left[at] = now;
  return left;
}

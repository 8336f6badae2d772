import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, jsonKind } from './json.ts';
import { StatusError } from './status-error.ts';
import {
  deduplicate,
  elementKind,
  findByKey,
  goText,
  mergeKeyOf,
  orderElements,
  sameScalar,
} from './strategic-merge-order.ts';

/** How one field takes part in a strategic merge, and what lies below it. */
export interface PatchField {
  /** `x-kubernetes-patch-strategy`, split: for example `['merge', 'retainKeys']`. */
  readonly patchStrategy?: readonly string[];
  /** `x-kubernetes-patch-merge-key`; absent for lists of scalars. */
  readonly patchMergeKey?: string;
  /** Whether it is a list. */
  readonly list?: boolean;
  /** Of the object, or of a list's elements. Absent for scalars and free-form values. */
  readonly schema?: PatchSchema;
}

/** What a strategic merge patch must know of a type: which lists are merged, and by which key. */
export interface PatchSchema {
  /** Undefined for a field that the type does not have. */
  field(name: string): PatchField | undefined;
  /** The Go type in error messages, for example `Deployment`. */
  readonly typeName?: string;
}

export const directive = '$patch';
export const retainKeys = '$retainKeys';
export const deletePrefix = '$deleteFromPrimitiveList';
export const orderPrefix = '$setElementOrder';

const failed = (message: string) => new StatusError({ message, code: 500 });

/** The field that a directive is about: what follows the slash. */
function fieldOf(key: string, prefix: string, what: string): string {
  if (key[prefix.length] !== '/') throw StatusError.badRequest(`invalid patch format of ${what}`);
  return key.slice(prefix.length + 1);
}

/**
 * Applies a strategic merge patch with all its directives. Source of the rules:
 * https://github.com/kubernetes/community/blob/main/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 *
 * The result may still hold directives inside elements that are new to a list: the API prunes them as unknown fields.
 * Neither argument is changed. Throws `StatusError` with the API's words.
 */
export function applyStrategicMergePatch(original: JsonObject, patch: unknown, schema: PatchSchema): JsonObject {
  if (patch === null) return original;
  if (!isJsonObject(patch)) {
    throw StatusError.badRequest(
      `json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`,
    );
  }
  return mergeObject(original, patch, schema);
}

/** One object of a patch. */
export function mergeObject(original: JsonObject, patch: JsonObject, schema: PatchSchema | undefined): JsonObject {
  if (patch[directive] !== undefined) return applyDirective(patch);
  const result = new Map(Object.entries(original).filter(([, value]) => value !== undefined));
  const rest = new Map(Object.entries(patch).filter(([, value]) => value !== undefined));
  dropUnretained(result, rest);
  for (const [key, order] of [...rest]) {
    if (!key.startsWith(orderPrefix)) continue;
    rest.delete(key);
    const name = fieldOf(key, orderPrefix, 'setElementOrder list');
    const merged = mergeOrdered(result.get(name), rest.get(name), order, name, schema);
    if (merged === undefined) continue;
    result.set(name, merged);
    rest.delete(name);
  }
  for (const [key, value] of rest) {
    if (!key.startsWith(deletePrefix)) continue;
    const name = fieldOf(key, deletePrefix, 'primitive list');
    mergeField(result, name, value, schema, true);
  }
  for (const [key, value] of rest) {
    if (!key.startsWith(deletePrefix)) mergeField(result, key, value, schema, false);
  }
  return Object.fromEntries(result);
}

function applyDirective(patch: JsonObject): JsonObject {
  const { [directive]: what, ...rest } = patch;
  if (what === 'replace') return rest;
  if (what === 'delete') return {};
  throw unknownDirective(patch);
}

function unknownDirective(patch: JsonObject): StatusError {
  const what = patch[directive];
  return failed(`unknown patch type: ${formatted(what)} in map: ${goText(patch)}`);
}

/** Go's `%s` of a value that may be no text. */
function formatted(value: JsonValue | undefined): string {
  if (typeof value === 'number' || typeof value === 'boolean') return `%!s(${goType(value)}=${goText(value)})`;
  return value === null || value === undefined ? '%!s(<nil>)' : goText(value);
}

/** What Go calls the type of a value that was decoded from JSON. */
function goType(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (isJsonArray(value)) return '[]interface {}';
  if (isJsonObject(value)) return 'map[string]interface {}';
  return typeof value === 'number' ? (Number.isInteger(value) ? 'int64' : 'float64') : jsonKind(value);
}

function dropUnretained(result: Map<string, JsonValue | undefined>, patch: Map<string, JsonValue | undefined>): void {
  const retained = patch.get(retainKeys);
  if (retained === undefined) return;
  patch.delete(retainKeys);
  const invalid = StatusError.badRequest('invalid patch format of retainKeys');
  if (!isJsonArray(retained)) throw invalid;
  const names = new Set(retained);
  for (const [key, value] of patch) {
    if (value === null || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue;
    if (!names.has(key)) throw invalid;
  }
  for (const key of [...result.keys()]) if (!names.has(key)) result.delete(key);
}

/** `deleting`: the value names elements of a list of scalars that are to go; anything else it merges as ever. */
function mergeField(
  result: Map<string, JsonValue | undefined>,
  key: string,
  value: JsonValue | undefined,
  schema: PatchSchema | undefined,
  deleting: boolean,
): void {
  const old = result.get(key);
  if (value === null || value === undefined) result.delete(key);
  else if (old === undefined || jsonKind(old) !== jsonKind(value)) {
    if (deleting) return;
    const kept = withoutDirectives(withoutNulls(value));
    if (kept === undefined) result.delete(key);
    else result.set(key, kept);
  } else if (isJsonObject(old) && isJsonObject(value)) {
    const field = lookUp(schema, key);
    result.set(key, strategyOf(field) === 'replace' ? value : mergeObject(old, value, field?.schema));
  } else if (isJsonArray(old) && isJsonArray(value)) {
    const field = lookUp(schema, key);
    const merging = deleting || strategyOf(field) === 'merge';
    result.set(key, merging ? mergeList(old, value, field, deleting) : value);
  } else result.set(key, value);
}

/** A map that is new has nothing to be replaced or deleted: with a directive in it, it is left out altogether. */
export function withoutDirectives(value: JsonValue): JsonValue | undefined {
  if (isJsonArray(value)) return value.flatMap(keptElements);
  if (!isJsonObject(value)) return value;
  if (value[directive] !== undefined) return undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => {
      const kept = each === undefined ? undefined : withoutDirectives(each);
      return kept === undefined ? [] : [[key, kept]];
    }),
  );
}

const keptElements = (each: JsonValue): JsonValue[] => {
  const kept = withoutDirectives(each);
  return kept === undefined ? [] : [kept];
};

function lookUp(schema: PatchSchema | undefined, key: string): PatchField | undefined {
  if (!schema) return undefined;
  const field = schema.field(key);
  if (field) return field;
  throw failed(`unable to find api field in struct ${schema.typeName ?? ''} for the json field "${key}"`);
}

export const strategyOf = (field: PatchField | undefined) =>
  field?.patchStrategy?.find((each) => each !== 'retainKeys');

/** Members that are `null` in a value that is new: there is nothing to remove. */
export function withoutNulls(value: JsonValue): JsonValue {
  if (isJsonArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) =>
      each === null || each === undefined ? [] : [[key, withoutNulls(each)]],
    ),
  );
}

function mergeOrdered(
  original: JsonValue | undefined,
  changes: JsonValue | undefined,
  order: JsonValue | undefined,
  name: string,
  schema: PatchSchema | undefined,
): JsonValue | undefined {
  const expectList = (value: JsonValue | undefined) => {
    if (isJsonArray(value)) return value;
    throw failed(`expected a []interface {}, but received a ${goType(value)}`);
  };
  const wanted = expectList(order);
  const old = original === undefined ? undefined : expectList(original);
  const patch = changes === undefined ? undefined : expectList(changes);
  if (!schema) throw failed('merging an object in json but data type is not struct, instead is: map');
  const field = lookUp(schema, name);
  if (field?.list === false) throw failed('expected slice or array type, but got: struct');
  checkOrder(patch ?? [], wanted, field?.patchMergeKey);
  if (!old && !patch) return undefined;
  const merged =
    old && patch
      ? strategyOf(field) === 'merge'
        ? mergeList(old, patch, field, false)
        : patch
      : (old ?? patch?.flatMap(keptElements) ?? []);
  if (!field?.patchMergeKey) checkHashable([...merged, ...wanted]);
  if (!old?.length && !patch?.length) throw failed('no elements in any of the given slices');
  return orderElements(merged, wanted, old ?? [], field?.patchMergeKey);
}

/** Kubernetes crashes over these and answers nothing: here the patch is refused. */
function checkHashable(values: readonly (JsonValue | undefined)[]): void {
  for (const each of values) {
    if (typeof each === 'object' && each !== null)
      throw StatusError.badRequest(
        `what is ordered or merged must be strings, numbers or booleans, not ${goText(each)}`,
      );
  }
}

const hasDirective = (value: JsonValue | undefined) => isJsonObject(value) && value[directive] !== undefined;

/** The patch's elements must stand in the given order in `$setElementOrder`. */
function checkOrder(patch: readonly JsonValue[], order: readonly JsonValue[], mergeKey: string | undefined): void {
  if (order.length === 0) return;
  const expectMap = (value: JsonValue) => {
    if (mergeKey && !isJsonObject(value)) {
      throw failed(`expected a map[string]interface {}, but received a ${goType(value)}`);
    }
  };
  patch.forEach(expectMap);
  const kept = mergeKey ? patch.filter((each) => !isJsonObject(each) || each[directive] !== 'delete') : patch;
  let at = 0;
  for (const each of order) {
    const next = kept[at];
    if (next === undefined) break;
    expectMap(each);
    const key = mergeKeyOf(next, mergeKey);
    // The API looks no further than the first element without a key, such as a directive.
    if (key === undefined) return;
    const wanted = mergeKeyOf(each, mergeKey);
    if (wanted === undefined) throw noMergeKey(each, mergeKey ?? '');
    if (!mergeKey && goType(key) === goType(wanted) && !hasDirective(key)) checkHashable([key]);
    if (key === wanted) at++;
  }
  if (at < kept.length) {
    throw failed(
      `The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`,
    );
  }
}

function mergeList(
  original: readonly JsonValue[],
  patch: readonly JsonValue[],
  field: PatchField | undefined,
  deleting: boolean,
): readonly JsonValue[] {
  if (original.length === 0 && patch.length === 0) return original;
  const mergeKey = field?.patchMergeKey;
  if (elementKind(original, patch) !== 'object') {
    if (deleting) return original.filter((each) => !patch.some((other) => sameScalar(each, other)));
    return orderElements(deduplicate([...original, ...patch]), patch, original, undefined);
  }
  if (!mergeKey) throw failed('cannot merge lists without merge key for struct');
  const special = applyListDirectives(original, patch, mergeKey);
  const merged = [...special.original];
  for (const each of special.patch) {
    if (!isJsonObject(each) || each[mergeKey] === undefined) throw noMergeKey(each, mergeKey);
    checkHashable([each[mergeKey]]);
    const at = findByKey(merged, mergeKey, each[mergeKey]);
    const old = merged[at];
    if (isJsonObject(old)) merged[at] = mergeObject(old, each, field?.schema);
    else merged.push(each);
  }
  return orderElements(merged, special.patch, special.original, mergeKey);
}

function noMergeKey(element: JsonValue, mergeKey: string): StatusError {
  return failed(`map: ${goText(element)} does not contain declared merge key: ${mergeKey}`);
}

function applyListDirectives(
  original: readonly JsonValue[],
  patch: readonly JsonValue[],
  mergeKey: string,
): { original: readonly JsonValue[]; patch: readonly JsonValue[] } {
  const ordinary: JsonValue[] = [];
  let replaced = false;
  for (const each of patch) {
    if (!isJsonObject(each) || each[directive] === undefined) {
      ordinary.push(each);
      continue;
    }
    const what = each[directive];
    if (what === 'delete') {
      const key = each[mergeKey];
      if (key === undefined) throw noMergeKey(each, mergeKey);
      original = original.filter((other) => !isJsonObject(other) || !sameScalar(other[mergeKey], key));
    } else if (what === 'replace') replaced = true;
    else if (what === 'merge') throw failed('merging lists cannot yet be specified in the patch');
    else throw unknownDirective(each);
  }
  return replaced ? { original: ordinary, patch: [] } : { original, patch: ordinary };
}

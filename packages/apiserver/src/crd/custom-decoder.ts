import { isJsonObject, type JSONSchemaProps, type JsonValue } from '@keelson/core';
import { FieldErrors } from '../registry/strategy.ts';
import type { DecodeFindings } from '../schema/index.ts';
import { copy, DecodeError, decodeAs, describeJson, InvalidFieldError } from '../schema/index.ts';

type Json = Record<string, unknown>;
interface CustomFindings extends DecodeFindings {
  /** Of the metadata of embedded resources, which are looked at last. */
  readonly embedded: string[];
  readonly keepNulls: boolean;
}
const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

const isObject = (value: unknown): value is Readonly<Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schema of a list's elements. */
export function itemsOf(schema: JSONSchemaProps | undefined): JSONSchemaProps | undefined {
  const items = schema?.items;
  return Array.isArray(items) ? undefined : (items as JSONSchemaProps | undefined);
}

/** The schema of a map's values; `true` for values of any kind. */
export function valuesOf(schema: JSONSchemaProps | undefined): JSONSchemaProps | boolean | undefined {
  return schema?.additionalProperties;
}

/** The schemas of all that a value may hold. */
export function schemasBelow(schema: JSONSchemaProps): readonly JSONSchemaProps[] {
  const values = valuesOf(schema);
  const items = itemsOf(schema);
  return [
    ...Object.values(schema.properties ?? {}),
    ...(items ? [items] : []),
    ...(typeof values === 'object' ? [values] : []),
  ];
}

/**
 * Copies a custom object by its structural schema: fields that it does not specify are pruned and named, absent ones
 * defaulted (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions). `rest` is
 * everything but `metadata`, `kind` and `apiVersion`. Throws `DecodeError` for metadata of a wrong shape.
 *
 * `keepNulls`: what an apply makes is read without looking for nulls that mean nothing, which then are of a wrong type.
 */
export function decodeCustom(
  body: Readonly<Json>,
  schema: JSONSchemaProps,
  { keepNulls = false }: { readonly keepNulls?: boolean } = {},
): { readonly metadata: unknown; readonly rest: Json; readonly unknown: readonly string[] } {
  const own: string[] = [];
  const findings: CustomFindings = { unknown: [], embedded: [], keepNulls };
  const metadata = decodeMetadata(body['metadata'], 'metadata', own);
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...fields } = body;
  const rest = pruneObject(fields, schema, '', findings);
  return { metadata, rest, unknown: [...own.sort(), ...findings.unknown.sort(), ...findings.embedded.sort()] };
}

function decodeMetadata(value: unknown, at: string, found: string[]): unknown {
  if (value === undefined || value === null) return {};
  if (!isObject(value))
    throw new DecodeError(`json: cannot unmarshal ${describeJson(value)} into Go value of type v1.ObjectMeta`);
  const unknown: string[] = [];
  const decoded = decodeAs(objectMeta, value, { unknown });
  for (const each of unknown) found.push(each.replace('"', `"${at}.`));
  return decoded;
}

function asText(value: unknown, at: string): string {
  if (typeof value === 'string') return value;
  const errors = new FieldErrors();
  errors.invalid(at, value, 'must be a string');
  throw new InvalidFieldError(errors.list);
}

function decodeEmbedded(value: unknown, at: string, { embedded }: CustomFindings): unknown {
  try {
    return decodeMetadata(value, at, embedded);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const errors = new FieldErrors();
    errors.invalid(at, inOrderOfNames(value as JsonValue), error.message);
    throw new InvalidFieldError(errors.list);
  }
}

function inOrderOfNames(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(inOrderOfNames);
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, each]) => [name, inOrderOfNames(each ?? null)]));
}

function pruneObject(value: Readonly<Json>, schema: JSONSchemaProps, at: string, findings: CustomFindings): Json {
  const result: Json = {};
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const values = valuesOf(schema);
  const embedded = schema['x-kubernetes-embedded-resource'] === true && at !== '';
  for (const [key, each] of Object.entries(value)) {
    if (each === undefined) continue;
    const path = at === '' ? key : `${at}.${key}`;
    const own = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    if (embedded && (key === 'apiVersion' || key === 'kind')) set(result, key, asText(each, path));
    else if (embedded && key === 'metadata' && !(each === null && own)) {
      set(result, key, decodeEmbedded(each, path, findings));
    } else if (own) {
      // A null where null means nothing is as good as absent.
      if (each !== null || own.nullable || findings.keepNulls) set(result, key, prune(each, own, path, findings));
    } else if (typeof values === 'object') {
      if (each !== null || values.nullable || findings.keepNulls) set(result, key, prune(each, values, path, findings));
    } else if (preserve) set(result, key, copy(each));
    else if (values === true) set(result, key, withoutMembers(each, path, findings));
    else findings.unknown.push(`unknown field "${path}"`);
  }
  applyDefaults(result, schema);
  return result;
}

/** What is of any kind may be an object, of which no field is specified then. */
function withoutMembers(value: unknown, at: string, findings: CustomFindings): unknown {
  if (Array.isArray(value)) return value.map((each, index) => withoutMembers(each, `${at}[${index}]`, findings));
  if (!isObject(value)) return value;
  for (const key of Object.keys(value)) findings.unknown.push(`unknown field "${at}.${key}"`);
  return {};
}

function set(target: Json, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}

function prune(value: unknown, schema: JSONSchemaProps, at: string, findings: CustomFindings): unknown {
  if (isObject(value)) return pruneObject(value, schema, at, findings);
  if (!Array.isArray(value)) return value;
  const items = itemsOf(schema);
  return value.map((each, index) => (items ? prune(each, items, `${at}[${index}]`, findings) : copy(each)));
}

/** Absent fields, and nulls where null means nothing, get their default; deeper ones were treated before. */
function applyDefaults(target: Json, schema: JSONSchemaProps): void {
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    const fallback = each.default;
    if (fallback === undefined) continue;
    const now = target[name];
    if (now === undefined || (now === null && !each.nullable)) {
      target[name] = prune(fallback, each, name, { unknown: [], embedded: [], keepNulls: false });
    }
  }
}

/**
 * Defaults that an object lacks, for objects stored before the schema had them. What lacks none is returned as it is,
 * and nothing is ever changed in place.
 */
export function withDefaults<T>(value: T, schema: JSONSchemaProps | undefined): T {
  if (schema === undefined || !hasDefaults(schema)) return value;
  return defaulted(value, schema) as T;
}

/**
 * A stored object without what its schema has no place for: fields that it does not specify, and nulls that mean nothing,
 * for objects stored when the schema was another. What has none is returned as it is, and nothing is ever changed in
 * place. Metadata and type are no part of the schema.
 */
export function fittedTo<T>(value: T, schema: JSONSchemaProps): T {
  return fitted(value, schema, true) as T;
}

/** `withoutMembers`, where what has none is returned as it is. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) {
    const next = value.map(closed);
    return next.some((each, at) => each !== value[at]) ? next : value;
  }
  return isObject(value) && Object.keys(value).length > 0 ? {} : value;
}

const ofEveryObject = (key: string) => key === 'apiVersion' || key === 'kind' || key === 'metadata';

function fitted(value: unknown, schema: JSONSchemaProps, hasType: boolean): unknown {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (!items) return value;
    const embeds = items['x-kubernetes-embedded-resource'] === true;
    const next = value.map((each) => fitted(each, items, embeds));
    return next.some((each, at) => each !== value[at]) ? next : value;
  }
  if (!isObject(value)) return value;
  const values = valuesOf(schema);
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  let result: Json | undefined;
  for (const key in value) {
    const each = value[key];
    if (each === undefined || (hasType && ofEveryObject(key))) continue;
    const own = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    const type = own ?? (typeof values === 'object' ? values : undefined);
    if (type === undefined && values === true && !isOpen) {
      const next = closed(each);
      if (next === each) continue;
      result ??= { ...value };
      set(result, key, next);
    } else if (type === undefined ? !isOpen : each === null && !type.nullable) {
      result ??= { ...value };
      delete result[key];
    } else if (type !== undefined && each !== null) {
      const next = fitted(each, type, type['x-kubernetes-embedded-resource'] === true);
      if (next === each) continue;
      result ??= { ...value };
      set(result, key, next);
    }
  }
  return result ?? value;
}

const known = new WeakMap<JSONSchemaProps, boolean>();

function hasDefaults(schema: JSONSchemaProps): boolean {
  let answer = known.get(schema);
  if (answer === undefined) {
    answer = schemasBelow(schema).some((each) => each.default !== undefined || hasDefaults(each));
    known.set(schema, answer);
  }
  return answer;
}

function defaulted(value: unknown, schema: JSONSchemaProps): unknown {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (!items || !hasDefaults(items)) return value;
    const next = value.map((each) => defaulted(each, items));
    return next.some((each, at) => each !== value[at]) ? next : value;
  }
  if (!isObject(value)) return value;
  let result: Json | undefined;
  const put = (key: string, each: unknown) => {
    if (each === value[key]) return;
    result ??= { ...value };
    set(result, key, each);
  };
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    const now = value[name];
    if (now === undefined || (now === null && !each.nullable && each.default !== undefined)) {
      if (each.default !== undefined)
        put(name, prune(each.default, each, name, { unknown: [], embedded: [], keepNulls: false }));
    } else if (hasDefaults(each)) put(name, defaulted(now, each));
  }
  const values = valuesOf(schema);
  if (typeof values === 'object' && hasDefaults(values)) {
    for (const [key, each] of Object.entries(value)) if (!schema.properties?.[key]) put(key, defaulted(each, values));
  }
  return result ?? value;
}

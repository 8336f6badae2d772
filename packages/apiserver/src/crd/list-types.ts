import type { JSONSchemaProps } from '@keelson/core';
import type { FieldErrors } from '../registry/strategy.ts';
import { itemsOf, valuesOf } from './custom-decoder.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Elements of sets, and of lists that are maps, which stand there more than once; each is named once. Lists come before
 * what is in their elements (kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy).
 */
export function validateListTypes(value: unknown, schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  if (Array.isArray(value)) {
    checkDuplicates(value, schema, at, errors);
    const items = itemsOf(schema);
    if (items) value.forEach((each, index) => void validateListTypes(each, items, `${at}[${index}]`, errors));
    return;
  }
  if (!isObject(value)) return;
  const values = valuesOf(schema);
  for (const [name, each] of Object.entries(value)) {
    const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const type = own ?? (typeof values === 'object' ? values : undefined);
    if (!type) continue;
    const here = own ? (at === '' ? name : `${at}.${name}`) : `${at}[${name}]`;
    validateListTypes(each, type, here, errors);
  }
}

function checkDuplicates(list: readonly unknown[], schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const other = type === 'map' ? list.findIndex((each) => each !== null && !isObject(each)) : -1;
  if (other >= 0) {
    // What cannot have keys is all that is said of its list.
    errors.invalid(`${at}[${other}]`, list[other], 'must be an object for an array of list-type map');
    return;
  }
  const seen = new Map<string, number>();
  list.forEach((each, index) => {
    const shown = type === 'map' ? keysOf(isObject(each) ? each : {}, keys) : each;
    const text = JSON.stringify(shown);
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    if (times === 2) errors.duplicate(`${at}[${index}]`, shown);
  });
}

const keysOf = (element: Json, keys: readonly string[]) =>
  Object.fromEntries(keys.flatMap((name) => (element[name] === undefined ? [] : [[name, element[name]]])));

/**
 * Whether all elements of lists that are maps can be told apart by their keys. What holds others is never what it was
 * before, and all of it is looked at again (KEP-4008).
 */
export function isCorrelated(value: unknown, schema: JSONSchemaProps): boolean {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [];
    return value.every((each: unknown) => {
      if (keys.length > 0 && !(isObject(each) && keys.every((key) => each[key] !== undefined))) return false;
      return items === undefined || isCorrelated(each, items);
    });
  }
  if (!isObject(value)) return true;
  const values = valuesOf(schema);
  return Object.entries(value).every(([name, each]) => {
    const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const type = own ?? (typeof values === 'object' ? values : undefined);
    return type === undefined || isCorrelated(each, type);
  });
}

import { deepEqual, type JSONSchemaProps } from '@keelson/core';
import { itemsOf, valuesOf } from './custom-decoder.ts';
import { isCorrelated } from './list-types.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The element of the old list that an element is compared with: the one with the same keys, where elements are told apart
 * by keys; nothing in all other lists (KEP-4008).
 */
export function elementLike(element: unknown, old: unknown, schema: JSONSchemaProps): unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old) || !isObject(element)) return undefined;
  if (keys.some((key) => element[key] === undefined)) return undefined;
  return old.find((each: unknown) => isObject(each) && keys.every((key) => deepEqual(each[key], element[key])));
}

/** Whether a value is what it was: elements that have keys may have changed their places. */
export function isUnchanged(value: unknown, old: unknown, schema: JSONSchemaProps): boolean {
  if (value === old) return true;
  if (old === undefined || old === null) return false;
  if (deepEqual(value, old)) return isCorrelated(value, schema);
  if (Array.isArray(value)) {
    if (!Array.isArray(old) || value.length !== old.length || schema['x-kubernetes-list-type'] !== 'map') return false;
    const items = itemsOf(schema);
    return items !== undefined && value.every((each) => isUnchanged(each, elementLike(each, old, schema), items));
  }
  if (!isObject(value) || !isObject(old)) return false;
  const names = Object.keys(value);
  if (names.length !== Object.keys(old).length) return false;
  const values = valuesOf(schema);
  return names.every((name) => {
    const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const type = own ?? (typeof values === 'object' ? values : undefined);
    return type ? isUnchanged(value[name], old[name], type) : deepEqual(value[name], old[name]);
  });
}

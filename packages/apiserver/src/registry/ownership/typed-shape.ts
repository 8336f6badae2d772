import { isObject, type Json } from '../draft.ts';
import type { FieldType, ListType, MapType, MergeType } from './merge-type.ts';
import { keyElement, valueElement } from './path-element.ts';

/** What a value's type says of it: the one of a type's three shapes that the value has. */
export type Shape =
  | { readonly is: 'map'; readonly map: MapType }
  | { readonly is: 'list'; readonly list: ListType }
  | { readonly is: 'scalar' };

/** Undefined and null have no shape of their own: they take the first that the type allows. */
export function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

export type ShapeKind = 'map' | 'list' | 'scalar' | 'none';

export function shapeOf(type: MergeType, value: unknown): ShapeKind {
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) {
      if (type.list) return 'list';
    } else if (type.map) return 'map';
  } else if (value !== undefined && value !== null && type.scalar) return 'scalar';
  return type.map ? 'map' : type.scalar ? 'scalar' : type.list ? 'list' : 'none';
}

export const fieldOf = (map: MapType, name: string): FieldType | undefined => map.fields.get(name);

export const memberType = (map: MapType, name: string): MergeType | undefined =>
  map.fields.get(name)?.type ?? map.element;

export const asMap = (value: unknown): Readonly<Json> | undefined => (isObject(value) ? value : undefined);
export const asList = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined);

/** The path element of a list's element. Throws, in the API's words, for one that cannot be told from others. */
export function listElement(list: ListType, value: unknown): string {
  if (list.keys.length === 0) {
    if (Array.isArray(value)) throw new Error('not supported: associative list with lists as elements');
    if (isObject(value)) throw new Error("associative list without keys has an element that's a map type");
    if (value === null || value === undefined) {
      throw new Error("associative list without keys has an element that's an explicit null");
    }
    return valueElement(value);
  }
  if (value === null || value === undefined) throw new Error('associative list with keys may not have a null element');
  if (!isObject(value)) throw new Error('associative list with keys may not have non-map elements');
  const [only] = list.keys;
  if (list.keys.length === 1 && only !== undefined) {
    const key = value[only];
    if (typeof key === 'string') return keyElement([[only, key]]);
  }
  const entries: [string, unknown][] = [];
  for (const key of list.keys) {
    const given = value[key];
    const each = given === undefined ? list.item.map?.fields.get(key)?.keyDefault : given;
    if (each !== undefined) entries.push([key, each]);
  }
  if (entries.length === 0) {
    const names = list.keys.map((each) => JSON.stringify(each)).join(' ');
    throw new Error(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    );
  }
  return keyElement(entries);
}

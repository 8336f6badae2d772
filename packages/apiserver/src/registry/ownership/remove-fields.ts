import type { Json } from '../draft.ts';
import type { FieldSet } from './field-set.ts';
import type { ListType, MapType, MergeType } from './merge-type.ts';
import { asList, asMap, listElement, memberType, shapeOf } from './typed-shape.ts';

/**
 * The value without the fields of `removed`. Null where nothing is left, and for what is owned as a whole: the caller
 * then has asked for something below it.
 */
export function removeFields(type: MergeType, value: unknown, removed: FieldSet): unknown {
  const shape = shapeOf(type, value);
  if (shape === 'map' && type.map) return fromMap(type.map, value, removed);
  if (shape === 'list' && type.list) return fromList(type.list, value, removed);
  return value;
}

function fromMap(map: MapType, value: unknown, removed: FieldSet): unknown {
  const members = asMap(value);
  if (members === undefined || map.atomic) return null;
  const result: Json = {};
  let left = false;
  for (const name of Object.keys(members)) {
    const each = members[name];
    const node = removed.get(`f:${name}`);
    if (each === undefined || node?.member) continue;
    const type = memberType(map, name);
    put(result, name, node?.children && type ? removeFields(type, each, node.children) : each);
    left = true;
  }
  return left ? result : null;
}

/** `__proto__` is a member like any other. */
export function put(target: Json, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
  } else target[name] = value;
}

function fromList(list: ListType, value: unknown, removed: FieldSet): unknown {
  const values = asList(value);
  if (values === undefined || list.atomic) return null;
  const result: unknown[] = [];
  for (const each of values) {
    const node = removed.get(listElement(list, each));
    if (node?.member) continue;
    result.push(node?.children ? removeFields(list.item, each, node.children) : each);
  }
  return result.length > 0 ? result : null;
}

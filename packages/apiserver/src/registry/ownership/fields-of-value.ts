import { type FieldSet, leaf, type MutableFieldSet, nodeOf, noFields } from './field-set.ts';
import type { ListType, MapType, MergeType } from './merge-type.ts';
import { asList, asMap, listElement, memberType, shapeOf } from './typed-shape.ts';

/** The fields that a value sets: every leaf, every element of a list, and maps that are empty. */
export function fieldsOf(type: MergeType, value: unknown): FieldSet {
  return collect(type, value).children ?? noFields;
}

interface Found {
  readonly self: boolean;
  readonly children: FieldSet | undefined;
}
const itself: Found = { self: true, children: undefined };
const nothing: Found = { self: false, children: undefined };

function collect(type: MergeType, value: unknown): Found {
  const shape = shapeOf(type, value);
  if (shape === 'map' && type.map) return collectMap(type.map, value);
  if (shape === 'list' && type.list) return collectList(type.list, value);
  return itself;
}

function collectMap(map: MapType, value: unknown): Found {
  if (map.atomic) return itself;
  const members = asMap(value);
  if (members === undefined) return nothing;
  let children: MutableFieldSet | undefined;
  for (const name in members) {
    const each = members[name];
    const type = memberType(map, name);
    if (each === undefined || type === undefined) continue;
    const found = collect(type, each);
    const node = nodeOf(found.self || isHollow(each) || !map.fields.has(name), found.children);
    if (node === undefined) continue;
    children ??= new Map();
    children.set(`f:${name}`, node);
  }
  return { self: false, children };
}

function isHollow(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  for (const _ in value) return false;
  return true;
}

function collectList(list: ListType, value: unknown): Found {
  if (list.atomic) return itself;
  const values = asList(value);
  if (values === undefined) return nothing;
  const children: MutableFieldSet = new Map();
  const twice = new Set<string>();
  for (const each of values) {
    const element = listElement(list, each);
    if (children.has(element)) twice.add(element);
    children.set(element, nodeOf(true, collect(list.item, each).children) ?? leaf);
  }
  // What stands more than once is owned as a whole.
  for (const element of twice) children.set(element, leaf);
  return { self: false, children };
}

/** The set with every member of a struct in it that something below is in. */
export function withNamedFields(set: FieldSet, type: MergeType | undefined): FieldSet {
  let result: MutableFieldSet | undefined;
  for (const [element, node] of set) {
    if (node.children === undefined) continue;
    const named = element.startsWith('f:') ? element.slice(2) : undefined;
    const below =
      named === undefined ? type?.list?.item : type?.map === undefined ? undefined : memberType(type.map, named);
    const children = withNamedFields(node.children, below);
    const member = node.member || (named !== undefined && type?.map?.fields.has(named) === true);
    if (member === node.member && children === node.children) continue;
    result ??= new Map(set);
    result.set(element, { member, children });
  }
  return result ?? set;
}

import { deepEqual } from '@keelson/core';
import { definitions } from '../../schema/index.ts';
import type { Schema } from '../contract.ts';
import { isObject, type Json } from '../draft.ts';
import { emptyTree, type FieldTree } from './field-tree.ts';

/** How a value is merged (KEP-555): member by member, element by element, or as a whole. */
type Merging =
  | { readonly type: 'members'; child(name: string): Schema | undefined }
  | { readonly type: 'elements'; readonly item: Schema | undefined; readonly keys: readonly string[] }
  | { readonly type: 'set' }
  | { readonly type: 'whole' };

function mergingOf(schema: Schema | undefined, value: unknown): Merging {
  const target = schema?.ref === undefined ? schema : definitions()[schema.ref];
  if (isObject(value)) {
    const map = schema?.['x-kubernetes-map-type'] ?? target?.['x-kubernetes-map-type'];
    // A struct without known members, such as a Quantity or raw JSON, is a whole unless its members are free.
    const opaque = target !== undefined && !target.properties && !target.additionalProperties;
    if (map === 'atomic' || (opaque && target['x-kubernetes-preserve-unknown-fields'] !== true))
      return { type: 'whole' };
    const values = target?.additionalProperties;
    return {
      type: 'members',
      child: (name) => target?.properties?.[name] ?? (typeof values === 'object' ? values : undefined),
    };
  }
  if (!Array.isArray(value)) return { type: 'whole' };
  const list = schema?.['x-kubernetes-list-type'];
  if (list === 'set') return { type: 'set' };
  const keys = schema?.['x-kubernetes-list-map-keys'];
  return list === 'map' && Array.isArray(keys)
    ? { type: 'elements', item: schema?.items, keys: keys.map(String) }
    : { type: 'whole' };
}

/** Key fields that have a default count as given: `protocol` of a port is TCP. */
function keyDefault(item: Schema | undefined, key: string): unknown {
  const target = item?.ref === undefined ? item : definitions()[item.ref];
  return target?.properties?.[key]?.['default'] ?? (key === 'protocol' ? 'TCP' : undefined);
}

function elementName(element: unknown, { item, keys }: { item: Schema | undefined; keys: readonly string[] }): string {
  const given = isObject(element) ? element : {};
  const entries = [...keys]
    .sort()
    .map((key) => [key, given[key] ?? keyDefault(item, key)] as const)
    .filter(([, value]) => value !== undefined);
  return `k:${JSON.stringify(Object.fromEntries(entries))}`;
}

const valueName = (value: unknown) => `v:${JSON.stringify(value)}`;

/** The fields that a value sets. */
export function fieldsOf(value: unknown, schema: Schema | undefined, root = true): FieldTree {
  const merging = mergingOf(schema, value);
  if (merging.type === 'members' && isObject(value)) {
    const names = Object.keys(value);
    const tree = emptyTree(!root && names.length === 0);
    for (const name of names) tree.children.set(`f:${name}`, fieldsOf(value[name], merging.child(name), false));
    return tree;
  }
  if (merging.type === 'elements' && Array.isArray(value)) {
    const tree = emptyTree(value.length === 0);
    for (const each of value) {
      const below = fieldsOf(each, merging.item, false);
      below.self = true;
      tree.children.set(elementName(each, merging), below);
    }
    return tree;
  }
  if (merging.type === 'set' && Array.isArray(value)) {
    const tree = emptyTree(value.length === 0);
    for (const each of value) tree.children.set(valueName(each), emptyTree(true));
    return tree;
  }
  return emptyTree(true);
}

/** `applied` laid over `live`. Shares with both what it does not change. */
export function mergeValues(live: unknown, applied: unknown, schema: Schema | undefined): unknown {
  const merging = mergingOf(schema, applied);
  if (merging.type === 'members' && isObject(applied) && isObject(live)) {
    const result: Json = { ...live };
    for (const [name, each] of Object.entries(applied))
      result[name] = mergeValues(live[name], each, merging.child(name));
    return result;
  }
  if (merging.type === 'elements' && Array.isArray(applied) && Array.isArray(live)) {
    const wanted = new Map(applied.map((each) => [elementName(each, merging), each]));
    const kept = live.map((each) => {
      const name = elementName(each, merging);
      const over = wanted.get(name);
      if (over === undefined) return each;
      wanted.delete(name);
      return mergeValues(each, over, merging.item);
    });
    return [...kept, ...wanted.values()];
  }
  if (merging.type === 'set' && Array.isArray(applied) && Array.isArray(live)) {
    return [...live, ...applied.filter((each) => !live.some((other) => deepEqual(other, each)))];
  }
  return applied;
}

/** The value without the fields of `removed`. Undefined where nothing is left of a thing that is removed itself. */
export function removeFields(value: unknown, removed: FieldTree, schema: Schema | undefined): unknown {
  const merging = mergingOf(schema, value);
  if (merging.type === 'members' && isObject(value)) {
    const result: Json = {};
    for (const [name, each] of Object.entries(value)) {
      const below = removed.children.get(`f:${name}`);
      const kept = below ? removeFields(each, below, merging.child(name)) : each;
      if (kept !== undefined) result[name] = kept;
    }
    const emptied = Object.keys(result).length === 0 && Object.keys(value).length > 0;
    return (removed.self || emptied) && Object.keys(result).length === 0 ? undefined : result;
  }
  if (merging.type === 'elements' && Array.isArray(value)) {
    const kept = value.flatMap((each) => {
      const below = removed.children.get(elementName(each, merging));
      if (!below) return [each];
      // Who gives up an element gives it up with what only the server has added to it.
      if (below.self) return [];
      const left = removeFields(each, below, merging.item);
      return left === undefined ? [] : [left];
    });
    return kept.length === 0 && value.length > 0 ? undefined : kept;
  }
  if (merging.type === 'set' && Array.isArray(value)) {
    const kept = value.filter((each) => !removed.children.has(valueName(each)));
    return kept.length === 0 && value.length > 0 ? undefined : kept;
  }
  return removed.self ? undefined : value;
}

/** The fields in which `after` differs from `before`, those that are new among them, and those that are gone. */
export function changedFields(
  before: unknown,
  after: unknown,
  schema: Schema | undefined,
): { readonly changed: FieldTree; readonly removed: FieldTree } {
  const none = { changed: emptyTree(), removed: emptyTree() };
  if (before === after || deepEqual(before, after)) return none;
  if (after === undefined) return { changed: emptyTree(), removed: fieldsOf(before, schema, false) };
  if (before === undefined) return { changed: fieldsOf(after, schema, false), removed: emptyTree() };
  const merging = mergingOf(schema, after);
  const pairs = new Map<string, { before?: unknown; after?: unknown; schema: Schema | undefined }>();
  if (merging.type === 'members' && isObject(after) && isObject(before)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      pairs.set(`f:${name}`, { before: before[name], after: after[name], schema: merging.child(name) });
    }
  } else if (merging.type === 'elements' && Array.isArray(after) && Array.isArray(before)) {
    for (const each of before) pairs.set(elementName(each, merging), { before: each, schema: merging.item });
    for (const each of after) {
      const name = elementName(each, merging);
      pairs.set(name, { ...pairs.get(name), after: each, schema: merging.item });
    }
  } else if (merging.type === 'set' && Array.isArray(after) && Array.isArray(before)) {
    for (const each of before) pairs.set(valueName(each), { before: each, schema: undefined });
    for (const each of after)
      pairs.set(valueName(each), { ...pairs.get(valueName(each)), after: each, schema: undefined });
  } else return { changed: emptyTree(true), removed: emptyTree() };
  for (const [name, pair] of pairs) {
    const below = changedFields(pair.before, pair.after, pair.schema);
    if (name.startsWith('k:')) {
      if (pair.before === undefined) below.changed.self = true;
      if (pair.after === undefined) below.removed.self = true;
    }
    if (below.changed.self || below.changed.children.size > 0) none.changed.children.set(name, below.changed);
    if (below.removed.self || below.removed.children.size > 0) none.removed.children.set(name, below.removed);
  }
  return none;
}

import { deepEqual } from '@keelson/core';
import type { Json } from '../draft.ts';
import { type FieldNode, type FieldSet, leaf, type MutableFieldSet, nodeOf, noFields } from './field-set.ts';
import type { ListType, MapType, MergeType } from './merge-type.ts';
import { asList, asMap, listElement, memberType, shapeOf } from './typed-shape.ts';

/** `changed`: fields that are new or have another value; `removed`: fields that are gone. */
export interface Comparison {
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** The outcome for one value: whether it itself changed or went, and what did below it. */
interface Difference {
  changedSelf: boolean;
  removedSelf: boolean;
  changed: MutableFieldSet | undefined;
  removed: MutableFieldSet | undefined;
}

const same: Difference = { changedSelf: false, removedSelf: false, changed: undefined, removed: undefined };
const changedLeaf: Difference = { ...same, changedSelf: true };
const removedLeaf: Difference = { ...same, removedSelf: true };

/** Members that are not looked at, by name; a map names members of the member. */
export interface Skipped extends ReadonlyMap<string, Skipped | true> {}
const none: Skipped = new Map();

/**
 * In which fields `after` differs from `before`; undefined is absent, null is a value. Throws where an element
 * of a list has no key.
 */
export function compareValues(type: MergeType, before: unknown, after: unknown, skipped: Skipped = none): Comparison {
  const { changed, removed } = compare(type, before, after, skipped);
  return { changed: changed ?? noFields, removed: removed ?? noFields };
}

function compare(type: MergeType, before: unknown, after: unknown, skipped: Skipped): Difference {
  if (before === after) return same;
  const left = shapeOf(type, before);
  const right = shapeOf(type, after);
  if (after === undefined) return withSelf(compareAs(left, type, before, after, skipped), before, after);
  if (before === undefined || left === right || before === null || after === null) {
    const shape = before === undefined || before !== null ? (after === null ? left : right) : right;
    return withSelf(compareAs(shape, type, before, after, skipped), before, after);
  }
  // A value that became one of another shape changed as both.
  const one = compareAs(left, type, before, after, skipped);
  const other = compareAs(right, type, before, after, skipped);
  return {
    changedSelf: one.changedSelf || other.changedSelf,
    removedSelf: one.removedSelf || other.removedSelf,
    changed: one.changed ?? other.changed,
    removed: one.removed ?? other.removed,
  };
}

/** What came or went with something below it came or went itself. */
function withSelf(found: Difference, before: unknown, after: unknown): Difference {
  if (found === same || found === changedLeaf || found === removedLeaf) return found;
  if (before === undefined) found.changedSelf = true;
  else if (after === undefined) found.removedSelf = true;
  return found;
}

function compareAs(
  shape: ReturnType<typeof shapeOf>,
  type: MergeType,
  before: unknown,
  after: unknown,
  skipped: Skipped,
): Difference {
  if (shape === 'map' && type.map) return compareMaps(type.map, before, after, skipped);
  if (shape === 'list' && type.list) return compareLists(type.list, before, after);
  return compareLeaves(before, after);
}

function compareLeaves(before: unknown, after: unknown): Difference {
  if (before === undefined) return changedLeaf;
  if (after === undefined) return removedLeaf;
  return before === after || deepEqual(before, after) ? same : changedLeaf;
}

function isEmptyMap(map: Readonly<Json> | undefined): boolean {
  for (const key in map) if (map[key] !== undefined) return false;
  return true;
}

function compareMaps(map: MapType, before: unknown, after: unknown, skipped: Skipped): Difference {
  const left = asMap(before);
  const right = asMap(after);
  if (map.atomic || (isEmptyMap(left) && isEmptyMap(right))) return compareLeaves(before, after);
  const builder = new Builder();
  for (const name in right) {
    const now = right[name];
    const then = left?.[name];
    if (now === then || now === undefined) continue;
    const skip = skipped.get(name);
    if (skip !== true) builder.member(map, name, then, now, skip ?? none);
  }
  for (const name in left) {
    if (left[name] === undefined || right?.[name] !== undefined) continue;
    const skip = skipped.get(name);
    if (skip !== true) builder.member(map, name, left[name], undefined, skip ?? none);
  }
  return builder.result(before, after);
}

class Builder {
  #found: Difference | undefined;

  member(map: MapType, name: string, then: unknown, now: unknown, skipped: Skipped): void {
    const type = memberType(map, name);
    if (type === undefined) return;
    const found = compare(type, then, now, skipped);
    if (found !== same) this.add(`f:${name}`, found);
  }

  add(element: string, found: Difference): void {
    this.#found ??= { ...same };
    const changed = nodeOf(found.changedSelf, found.changed);
    if (changed) this.change(element, changed);
    const removed = nodeOf(found.removedSelf, found.removed);
    if (removed) this.remove(element, removed);
  }

  change(element: string, node: FieldNode): void {
    this.#found ??= { ...same };
    this.#found.changed ??= new Map();
    this.#found.changed.set(element, node);
  }

  remove(element: string, node: FieldNode): void {
    this.#found ??= { ...same };
    this.#found.removed ??= new Map();
    this.#found.removed.set(element, node);
  }

  /** An object of its own, for the caller to write into, where the value itself came or went. */
  result(before: unknown, after: unknown): Difference {
    return this.#found ?? (before === undefined || after === undefined ? { ...same } : same);
  }
}

function compareLists(list: ListType, before: unknown, after: unknown): Difference {
  const left = asList(before);
  const right = asList(after);
  if (list.atomic || (!left?.length && !right?.length)) return compareLeaves(before, after);
  // Mostly nothing changed, and to see that is cheaper than to tell elements by their keys.
  if (left?.length === right?.length && deepEqual(left, right)) return same;
  const builder = new Builder();
  const old = byElement(list, left);
  const now = byElement(list, right);
  for (const [element, ones] of old) if (!now.has(element)) compareElement(builder, list, element, ones, []);
  for (const [element, ones] of now) compareElement(builder, list, element, old.get(element) ?? [], ones);
  return builder.result(before, after);
}

function byElement(list: ListType, values: readonly unknown[] | undefined): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const value of values ?? []) {
    const element = listElement(list, value);
    const known = found.get(element);
    if (known) known.push(value);
    else found.set(element, [value]);
  }
  return found;
}

/** An element that stands more than once in a list counts as one, owned as a whole. */
function compareElement(
  builder: Builder,
  { item }: ListType,
  element: string,
  before: readonly unknown[],
  after: readonly unknown[],
): void {
  if (before.length <= 1 && after.length <= 1) {
    const found = compare(item, before[0], after[0], none);
    if (found !== same) builder.add(element, found);
  } else if (before.length >= 2 && after.length >= 2) {
    if (!deepEqual(before, after)) builder.change(element, leaf);
  } else if (before.length >= 2) {
    const found = compare(item, undefined, after[0], none);
    if (after.length > 0 && found !== same) builder.add(element, found);
    builder.remove(element, leaf);
  } else {
    const found = compare(item, before[0], undefined, none);
    if (before.length > 0 && found !== same) builder.add(element, found);
    builder.change(element, leaf);
  }
}

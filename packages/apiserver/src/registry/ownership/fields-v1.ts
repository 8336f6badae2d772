import { type FieldNode, type FieldSet, leaf, type MutableFieldSet, nodeOf, noFields } from './field-set.ts';
import { canonicalElement, compareElements, elementText } from './path-element.ts';

/** FieldsV1 as it stands in an object. */
export type FieldsV1 = Readonly<Record<string, unknown>>;

interface Known {
  readonly set: FieldSet;
  readonly fields: FieldsV1;
  readonly mayNameNull: boolean;
}

/** Of the text of a set: an element of a list whose key is null looks like this, though not only such. */
const naming = ':null';

/** Two generations of a bounded cache: what was not asked for while the younger one filled up is forgotten. */
class Generations<Key, Value> {
  readonly #most: number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: Key): Value | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#most) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}

/**
 * Sets of fields repeat: all pods of a set have the same. Each is parsed and written once while it is in use, and
 * objects share what was written.
 */
const byText = new Generations<string, Known>(2048);
const byObject = new Generations<object, Known>(4096);
const bySet = new Generations<FieldSet, Known>(2048);

/** Throws for what is no FieldsV1. */
export function parseFields(fields: unknown): FieldSet {
  if (fields === null) return noFields;
  if (typeof fields !== 'object' || Array.isArray(fields)) throw new Error('a set of fields is an object');
  const known = byObject.get(fields);
  if (known) return known.set;
  const text = JSON.stringify(fields);
  const same = byText.get(text);
  if (same) {
    byObject.set(fields, same);
    return same.set;
  }
  const set = parseSet(fields as FieldsV1);
  const entry = { set, fields: fields as FieldsV1, mayNameNull: text.includes(naming) };
  byObject.set(fields, entry);
  return set;
}

/**
 * Whether an element may be owned whose key is null. Such can be applied, and is stored without a key: nobody can tell it
 * from others any more.
 */
export function mayNameNull(fields: FieldsV1): boolean {
  return byObject.get(fields)?.mayNameNull ?? JSON.stringify(fields).includes(naming);
}

function parseSet(fields: FieldsV1): FieldSet {
  const set: MutableFieldSet = new Map();
  for (const [key, below] of Object.entries(fields)) {
    if (key === '.') continue;
    const element = canonicalElement(key);
    if (element === undefined) continue;
    const node = parseNode(below);
    if (node !== undefined) set.set(element, node);
  }
  return set;
}

function parseNode(value: unknown): FieldNode | undefined {
  if (value === null) return leaf;
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error('a set of fields is an object');
  const children = parseSet(value as FieldsV1);
  // What has nothing below it is itself meant.
  if (children.size === 0) return leaf;
  return nodeOf(Object.hasOwn(value, '.'), children);
}

/** Shared by all that ask for an equal set, frozen. */
export function formatFields(set: FieldSet): FieldsV1 {
  const known = bySet.get(set);
  if (known) return known.fields;
  const fields = formatSet(set, false);
  const text = JSON.stringify(fields);
  let entry = byText.get(text);
  if (!entry) {
    entry = { set, fields, mayNameNull: text.includes(naming) };
    byText.set(text, entry);
    byObject.set(fields, entry);
  }
  bySet.set(set, entry);
  return entry.fields;
}

const nothing: FieldsV1 = Object.freeze({});

function formatSet(set: FieldSet, member: boolean): FieldsV1 {
  const result: Record<string, unknown> = {};
  if (member) result['.'] = nothing;
  for (const element of [...set.keys()].sort(compareElements)) {
    const node = set.get(element);
    if (node !== undefined) {
      result[element] = node.children === undefined ? nothing : formatSet(node.children, node.member);
    }
  }
  return Object.freeze(result);
}

/** `.spec.containers[name="x"].image` for every field: those of one level first, then what is below them. */
export function pathsOf(set: FieldSet, at = ''): string[] {
  const elements = [...set.keys()].sort(compareElements);
  const own = elements.filter((each) => set.get(each)?.member).map((each) => at + elementText(each));
  const below = elements.flatMap((each) => {
    const children = set.get(each)?.children;
    return children === undefined ? [] : pathsOf(children, at + elementText(each));
  });
  return [...own, ...below];
}

/**
 * A set of fields of an object (KEP-555), immutable and sharing what it does not change. Keys are path elements as
 * FieldsV1 writes them: `f:name` a member, `k:{…}` an element of a list by its keys, `v:…` an element by its value,
 * `i:3` one by its position.
 */
export type FieldSet = ReadonlyMap<string, FieldNode>;

/** A field: whether it is itself in the set, and the fields below it that are. Never neither. */
export interface FieldNode {
  readonly member: boolean;
  readonly children: FieldSet | undefined;
}

export type MutableFieldSet = Map<string, FieldNode>;

/** A field that is in the set, with nothing below it. */
export const leaf: FieldNode = { member: true, children: undefined };
export const noFields: FieldSet = new Map();

export function nodeOf(member: boolean, children: FieldSet | undefined): FieldNode | undefined {
  if (children === undefined || children.size === 0) return member ? leaf : undefined;
  return { member, children };
}

/** The same set as `a`, not merely an equal one, when `b` adds nothing. */
export function unionOf(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || b.size === 0) return a;
  if (a.size === 0) return b;
  let result: MutableFieldSet | undefined;
  for (const [element, theirs] of b) {
    const ours = a.get(element);
    if (ours === undefined) {
      result ??= new Map(a);
      result.set(element, theirs);
      continue;
    }
    const children =
      theirs.children === undefined
        ? ours.children
        : ours.children === undefined
          ? theirs.children
          : unionOf(ours.children, theirs.children);
    const member = ours.member || theirs.member;
    if (member === ours.member && children === ours.children) continue;
    result ??= new Map(a);
    result.set(element, { member, children });
  }
  return result ?? a;
}

/** What is in both. */
export function intersectionOf(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  let result: MutableFieldSet | undefined;
  for (const [element, theirs] of a.size < b.size ? a : b) {
    const ours = (a.size < b.size ? b : a).get(element);
    if (ours === undefined) continue;
    const below = ours.children && theirs.children && intersectionOf(ours.children, theirs.children);
    const node = nodeOf(ours.member && theirs.member, below);
    if (node === undefined) continue;
    result ??= new Map();
    result.set(element, node);
  }
  return result ?? noFields;
}

/** What is in `a` and not in `b`: fields below one of `b` stay, unless they are in `b` too. `a` itself if all stays. */
export function differenceOf(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return noFields;
  let result: MutableFieldSet | undefined;
  for (const [element, unwanted] of b) {
    const ours = a.get(element);
    if (ours === undefined) continue;
    const children =
      ours.children && unwanted.children ? differenceOf(ours.children, unwanted.children) : ours.children;
    const member = ours.member && !unwanted.member;
    if (member === ours.member && children === ours.children) continue;
    result ??= new Map(a);
    const node = nodeOf(member, children);
    if (node === undefined) result.delete(element);
    else result.set(element, node);
  }
  return result ?? a;
}

/** What is in `a` and neither in `b` nor below a field of `b`. */
export function recursiveDifferenceOf(a: FieldSet, b: FieldSet): FieldSet {
  let result: MutableFieldSet | undefined;
  for (const [element, unwanted] of b) {
    const ours = a.get(element);
    if (ours === undefined) continue;
    if (unwanted.member) {
      result ??= new Map(a);
      result.delete(element);
      continue;
    }
    if (ours.children === undefined || unwanted.children === undefined) continue;
    const children = recursiveDifferenceOf(ours.children, unwanted.children);
    if (children === ours.children) continue;
    result ??= new Map(a);
    const node = nodeOf(ours.member, children);
    if (node === undefined) result.delete(element);
    else result.set(element, node);
  }
  return result ?? a;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [element, ours] of a) {
    const theirs = b.get(element);
    if (theirs === undefined || ours.member !== theirs.member) return false;
    if (!equalSets(ours.children ?? noFields, theirs.children ?? noFields)) return false;
  }
  return true;
}

/** Whether the field at the path is itself in the set. */
export function hasField(set: FieldSet, path: readonly string[]): boolean {
  let at: FieldSet | undefined = set;
  for (const [index, element] of path.entries()) {
    const node: FieldNode | undefined = at?.get(element);
    if (index === path.length - 1) return node?.member ?? false;
    at = node?.children;
  }
  return false;
}

/** The set of the given paths, each a list of path elements. */
export function fieldSetOf(...paths: readonly (readonly string[])[]): FieldSet {
  return paths.reduce<FieldSet>((set, path) => unionOf(set, pathSet(path)), noFields);
}

function pathSet(path: readonly string[]): FieldSet {
  let node: FieldNode = leaf;
  for (let at = path.length - 1; at > 0; at--) {
    node = { member: false, children: new Map([[path[at] ?? '', node]]) };
  }
  const [first] = path;
  return first === undefined ? noFields : new Map([[first, node]]);
}

/** Which fields of a set match a pattern of path elements, where `*` is any element; what is below a match matches. */
export function matchingFields(set: FieldSet, patterns: readonly (readonly string[])[]): FieldSet {
  let result: MutableFieldSet | undefined;
  for (const [element, node] of set) {
    const next = patterns.flatMap(([first, ...rest]) => (first === '*' || first === element ? [rest] : []));
    if (next.length === 0) continue;
    if (next.some((each) => each.length === 0)) {
      result ??= new Map();
      result.set(element, node);
      continue;
    }
    const kept = nodeOf(node.member, node.children && matchingFields(node.children, next));
    if (kept === undefined) continue;
    result ??= new Map();
    result.set(element, kept);
  }
  return result ?? noFields;
}

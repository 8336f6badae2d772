/**
 * A set of fields of an object in the shape of FieldsV1 (KEP-555): `f:name` a member, `k:{…}` an element of a list by
 * its keys, `v:…` an element by its value. `self`: the field itself belongs to the set, and not only what is below.
 */
export interface FieldTree {
  self: boolean;
  readonly children: Map<string, FieldTree>;
}

export function emptyTree(self = false): FieldTree {
  return { self, children: new Map() };
}

export const isEmptyTree = (tree: FieldTree) => !tree.self && tree.children.size === 0;

export function parseTree(fields: unknown, root = true): FieldTree {
  const tree = emptyTree(false);
  if (typeof fields !== 'object' || fields === null) return tree;
  const entries = Object.entries(fields);
  for (const [name, below] of entries) {
    if (name === '.') tree.self = true;
    else tree.children.set(name, parseTree(below, false));
  }
  if (!root && entries.length === 0) tree.self = true;
  return tree;
}

export function formatTree(tree: FieldTree): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  if (tree.self && tree.children.size > 0) result['.'] = {};
  for (const [name, below] of [...tree.children].sort(([a], [b]) => (a < b ? -1 : 1))) result[name] = formatTree(below);
  return result;
}

function combine(
  a: FieldTree | undefined,
  b: FieldTree | undefined,
  keep: (inA: boolean, inB: boolean) => boolean,
): FieldTree {
  const result = emptyTree(keep(a?.self ?? false, b?.self ?? false));
  const names = new Set([...(a?.children.keys() ?? []), ...(b?.children.keys() ?? [])]);
  for (const name of names) {
    const below = combine(a?.children.get(name), b?.children.get(name), keep);
    if (!isEmptyTree(below)) result.children.set(name, below);
  }
  return result;
}

export const unionOf = (a: FieldTree, b: FieldTree) => combine(a, b, (inA, inB) => inA || inB);
export const intersectionOf = (a: FieldTree, b: FieldTree) => combine(a, b, (inA, inB) => inA && inB);
export const differenceOf = (a: FieldTree, b: FieldTree) => combine(a, b, (inA, inB) => inA && !inB);

/** `.spec.containers[name="x"].image` for every field of the set. */
export function pathsOf(tree: FieldTree, at = ''): string[] {
  const own = tree.self ? [at] : [];
  return [...own, ...[...tree.children].flatMap(([name, below]) => pathsOf(below, at + elementText(name)))];
}

function elementText(element: string): string {
  const value = element.slice(2);
  if (element.startsWith('f:')) return `.${value}`;
  if (element.startsWith('v:')) return `[=${value}]`;
  if (element.startsWith('i:')) return `[${value}]`;
  const keys = Object.entries(JSON.parse(value) as Readonly<Record<string, unknown>>);
  return `[${keys.map(([key, each]) => `${key}=${JSON.stringify(each)}`).join(',')}]`;
}

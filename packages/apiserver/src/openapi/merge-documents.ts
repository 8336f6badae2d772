import { deepEqual } from '@keelson/core';

/** The parts of an OpenAPI v2 document that others are merged into. */
export interface MergedDocument {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, unknown>>;
}

const reference = '#/definitions/';

/** Adds the paths and definitions of other servers. A definition whose name is another's gets one of its own, `NAME_v2`. */
export function mergeDocuments(own: MergedDocument, others: readonly MergedDocument[]): MergedDocument {
  if (others.length === 0) return own;
  const paths: Record<string, unknown> = { ...own.paths };
  const definitions: Record<string, unknown> = { ...own.definitions };
  for (const other of others) {
    const names = new Map<string, string>();
    for (const [name, definition] of Object.entries(other.definitions)) {
      let free = name;
      for (let at = 2; free in definitions && !deepEqual(definitions[free], definition); at++) free = `${name}_v${at}`;
      if (free !== name) names.set(reference + name, reference + free);
      definitions[free] = definition;
    }
    for (const [path, item] of Object.entries(other.paths)) paths[path] ??= renamed(item, names);
    // What was renamed may refer to what was renamed.
    for (const name of Object.keys(other.definitions)) {
      const free = names.get(reference + name)?.slice(reference.length) ?? name;
      definitions[free] = renamed(definitions[free], names);
    }
  }
  return { paths, definitions };
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (names.size === 0) return value;
  if (Array.isArray(value)) return value.map((each) => renamed(each, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const other = key === '$ref' && typeof each === 'string' ? names.get(each) : undefined;
      return [key, other ?? renamed(each, names)];
    }),
  );
}

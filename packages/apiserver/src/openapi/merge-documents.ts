import { deepEqual } from '@keelson/core';

/** The parts of an OpenAPI v2 document that others are merged into. */
export interface MergedDocument {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, unknown>>;
}

/** What this server's own document has. */
export interface OwnDocument {
  hasPath(path: string): boolean;
  definition(name: string): unknown;
}

const reference = '#/definitions/';

/** What other servers add to a document. A definition whose name is another's gets one of its own, `NAME_v2`. */
export function addedByOthers(own: OwnDocument, others: readonly MergedDocument[]): MergedDocument {
  const paths: Record<string, unknown> = {};
  const definitions: Record<string, unknown> = {};
  for (const other of others) {
    const names = new Map<string, string>();
    for (const [name, definition] of Object.entries(other.definitions)) {
      const isTaken = (free: string) => {
        const known = definitions[free] ?? own.definition(free);
        return known !== undefined && !deepEqual(known, definition);
      };
      let free = name;
      for (let at = 2; isTaken(free); at++) free = `${name}_v${at}`;
      if (free !== name) names.set(reference + name, reference + free);
      if (own.definition(free) === undefined) definitions[free] = definition;
    }
    for (const [path, item] of Object.entries(other.paths))
      if (!own.hasPath(path)) paths[path] ??= renamed(item, names);
    // What was renamed may refer to what was renamed.
    for (const name of Object.keys(other.definitions)) {
      const free = names.get(reference + name)?.slice(reference.length) ?? name;
      if (definitions[free] !== undefined) definitions[free] = renamed(definitions[free], names);
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

import type { Records } from './dns.ts';

/**
 * What has to change, a text for each: `+www A`, `-www A`, or `~www A` where it is there with other values. Nothing where
 * both say the same, in whatever order.
 */
export function changes(from: Records, to: Records): readonly string[] {
  const [before, after] = [byName(from), byName(to)];
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [is, shall] = [before.get(name), after.get(name)];
    if (is === shall) return [];
    return [`${is === undefined ? '+' : shall === undefined ? '-' : '~'}${name}`];
  });
}

/** A provider may hold several entries of a name and type. */
function byName(records: Records): ReadonlyMap<string, string> {
  const groups = new Map<string, string[]>();
  for (const { name, type, values, ttl } of records) {
    const key = `${name} ${type}`;
    groups.set(key, [...(groups.get(key) ?? []), JSON.stringify([[...values].sort(), ttl])]);
  }
  return new Map([...groups].map(([key, texts]) => [key, texts.sort().join()]));
}

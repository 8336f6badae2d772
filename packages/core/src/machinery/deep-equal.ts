/** Equality of JSON-like values: an absent member equals an `undefined` one; order of members does not matter. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((each, at) => deepEqual(each, b[at]))
    );
  }
  const left = new Map<string, unknown>(Object.entries(a).filter(([, value]) => value !== undefined));
  let size = 0;
  for (const [key, value] of Object.entries(b)) {
    if (value === undefined) continue;
    size++;
    if (!left.has(key) || !deepEqual(left.get(key), value)) return false;
  }
  return size === left.size;
}

/**
 * As `deepEqual`, but empty lists, empty objects and absent members are all the same: what Kubernetes calls semantic
 * equality, and right for "must I write this status?".
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  return deepEqual(dropEmpty(a), dropEmpty(b));
}

function dropEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((each) => dropEmpty(each) ?? {});
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const kept = Object.entries(value)
    .map(([key, each]) => [key, dropEmpty(each)] as const)
    .filter(([, each]) => each !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

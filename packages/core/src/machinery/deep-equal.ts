/** Equality of JSON-like values: an absent member equals an `undefined` one; order of members does not matter. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let at = 0; at < a.length; at++) if (!deepEqual(a[at], b[at])) return false;
    return true;
  }
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  let size = 0;
  for (const key of Object.keys(left)) {
    const value = left[key];
    if (value === undefined) continue;
    size++;
    if (!Object.hasOwn(right, key) || !deepEqual(value, right[key])) return false;
  }
  for (const key of Object.keys(right)) if (right[key] !== undefined) size--;
  return size === 0;
}

/**
 * As `deepEqual`, but empty lists, empty objects and absent members are all the same: what Kubernetes calls semantic
 * equality, and right for "must I write this status?".
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  // Most of what is compared is equal as it stands, and then needs no copies.
  return deepEqual(a, b) || deepEqual(dropEmpty(a), dropEmpty(b));
}

function dropEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((each) => dropEmpty(each) ?? {});
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const kept: Record<string, unknown> = {};
  let empty = true;
  for (const [key, each] of Object.entries(value)) {
    const rest = dropEmpty(each);
    if (rest === undefined) continue;
    empty = false;
    if (key === '__proto__') Object.defineProperty(kept, key, { value: rest, enumerable: true });
    else kept[key] = rest;
  }
  return empty ? undefined : kept;
}

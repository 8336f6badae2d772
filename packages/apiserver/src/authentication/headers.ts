import type { HttpRequest } from './contract.ts';

type Raw = Pick<HttpRequest, 'rawHeaders'>;

/**
 * All values of a header in the order in which they came. Node joins repeated headers by commas, which a value may hold
 * itself.
 */
export function valuesOf({ rawHeaders }: Raw, name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '');
  }
  return values;
}

/** The headers whose names begin with a prefix: what follows it, in lower case and unescaped, and all its values. */
export function valuesByKey({ rawHeaders }: Raw, prefix: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase();
    if (!name?.startsWith(prefix)) continue;
    const key = unescaped(name.slice(prefix.length));
    const value = rawHeaders[index + 1] ?? '';
    const known = found.get(key);
    if (known) known.push(value);
    else found.set(key, [value]);
  }
  return found;
}

/** Keys are escaped where a header's name could not hold them; one that is not stands for itself. */
function unescaped(key: string): string {
  if (!key.includes('%')) return key;
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

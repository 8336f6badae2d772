import type { Random } from './clock.ts';

/** Without vowels and look-alikes, so that no word appears by chance: the alphabet of Kubernetes' generated names. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const longestName = 63;

/** Random letters that are safe in every kind of name. */
export function randomSuffix(random: Random, length = suffixLength): string {
  let text = '';
  for (let at = 0; at < length; at++) text += alphabet[Math.floor(random() * alphabet.length)];
  return text;
}

/** The name that an object with this `generateName` gets: the prefix, cut so that five letters still fit into 63. */
export function generateName(prefix: string, random: Random): string {
  return `${prefix.slice(0, longestName - suffixLength)}${randomSuffix(random)}`;
}

/** Any text (digits of a hash, say) in letters that are safe in a name, one for one. */
export function safeName(text: string): string {
  let safe = '';
  for (const char of text) safe += alphabet[(char.codePointAt(0) ?? 0) % alphabet.length];
  return safe;
}

/**
 * A short, stable name for a value (`pod-template-hash`): the same for equal values whatever the order of their members,
 * on every machine and in every later version. `salt` sets apart values that collide.
 */
export function hashObject(value: unknown, salt?: number): string {
  return safeName(String(fnv1a(stableText(value) + (salt === undefined ? '' : `#${salt}`))));
}

/** JSON with sorted members; absent and `undefined` are the same. */
function stableText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, each]) => `${JSON.stringify(key)}:${stableText(each)}`);
  return `{${members.join(',')}}`;
}

/** FNV-1a, 32 bits, over UTF-8 (http://www.isthe.com/chongo/tech/comp/fnv/). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

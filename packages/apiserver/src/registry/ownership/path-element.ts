/** What an element of a path is written as in FieldsV1, and shown as in messages. */

type Scalar = string | number | boolean | null;

/** Go's encoder escapes what HTML would mind, and the two line separators of JavaScript. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  if (!/[<>&\u2028\u2029]/.test(text)) return text;
  return text.replaceAll(/[<>&\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export const valueElement = (value: unknown) => `v:${goJson(value)}`;

/** `entries` sorted by key. */
export function keyElement(entries: readonly (readonly [string, unknown])[]): string {
  let text = 'k:{';
  for (const [key, value] of entries) {
    if (text.length > 3) text += ',';
    text += `${goJson(key)}:${goJson(value)}`;
  }
  return `${text}}`;
}

/** The one way to write an element that came from outside; undefined for kinds that are not known. Throws for text that is none. */
export function canonicalElement(text: string): string | undefined {
  if (text.length < 2) throw new Error('key must be 2 characters long:');
  if (text[1] !== ':') throw new Error(`missing colon: ${text}`);
  switch (text[0]) {
    case 'f':
      return text;
    case 'v':
      return valueElement(JSON.parse(text.slice(2)));
    case 'k':
      return keyElement(keysOf(text));
    case 'i': {
      const index = Number(text.slice(2));
      if (!/^[+-]?\d+$/.test(text.slice(2)))
        throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text.slice(2))}: invalid syntax`);
      return `i:${index}`;
    }
    default:
      return undefined;
  }
}

function keysOf(element: string): [string, Scalar][] {
  const value: unknown = JSON.parse(element.slice(2));
  if (value === null) return [];
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`expected an object, got ${element.slice(2)}`);
  return Object.entries(value as Readonly<Record<string, Scalar>>).sort(([a], [b]) => (a < b ? -1 : 1));
}

const ranks: Readonly<Record<string, number>> = { f: 0, k: 1, v: 2, i: 3 };

/** The order in which the fields of one level are written. */
export function compareElements(a: string, b: string): number {
  const kind = a[0] ?? '';
  if (kind !== b[0]) return (ranks[kind] ?? 4) - (ranks[b[0] ?? ''] ?? 4);
  if (kind === 'f') return compareText(a, b);
  if (kind === 'i') return Number(a.slice(2)) - Number(b.slice(2));
  if (kind === 'v') return compareScalars(JSON.parse(a.slice(2)) as Scalar, JSON.parse(b.slice(2)) as Scalar);
  const [left, right] = [keysOf(a), keysOf(b)];
  for (let at = 0; at < left.length && at < right.length; at++) {
    const [l, r] = [left[at], right[at]];
    if (!l || !r) break;
    const order = compareText(l[0], r[0]) || compareScalars(l[1], r[1]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** By bytes of UTF-8, as Go compares: code points, not the halves of surrogate pairs. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  if (/[\ud800-\udfff]/.test(a) || /[\ud800-\udfff]/.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

const scalarRanks: Readonly<Record<string, number>> = { number: 0, string: 1, boolean: 2, object: 3 };

function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  return (scalarRanks[typeof a] ?? 4) - (scalarRanks[typeof b] ?? 4);
}

/** `.name`, `[name="x",port=80]`, `[="x"]`, `[3]`: how messages show an element. */
export function elementText(element: string): string {
  const value = element.slice(2);
  if (element.startsWith('f:')) return `.${value}`;
  if (element.startsWith('v:')) return `[=${scalarText(JSON.parse(value))}]`;
  if (element.startsWith('i:')) return `[${value}]`;
  return `[${keysOf(element)
    .map(([key, each]) => `${key}=${scalarText(each)}`)
    .join(',')}]`;
}

/** Lists and maps are no keys, but a message may show one that was given as such. */
function scalarText(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(scalarText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, each]) => `${key}=${scalarText(each)}`)
    .join('');
}

import type { TwinCase } from './case.ts';
import type { Difference } from './diff.ts';
import { isObject, type Json } from './json.ts';

/** Differences of one sort, whatever the kind. */
export interface Group {
  readonly key: string;
  /** How many cases show it, by kind. */
  readonly kinds: Map<string, number>;
  readonly scenarios: Map<string, number>;
  count: number;
  /** The number of the first case that showed it, for `--only`. */
  readonly number: number;
  /** That case; replaced by its shrunk form. */
  example: TwinCase;
  difference: Difference;
  /** All differences of the example's run. */
  all: readonly Difference[];
}

/** What a difference has in common with others of its sort. */
export function groupKey({ kind }: TwinCase, { path, expected, got }: Difference): string {
  const resource = kind.split(/[./]/)[0] ?? '';
  const words = (text: string) =>
    text
      .replace(/"(?:[^"\\]|\\.)*"/g, '"…"')
      .replace(/[A-Za-z0-9+/]{11}=(?![A-Za-z0-9+/=])/g, 'HASH')
      .replaceAll(resource, 'RESOURCE')
      .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UID')
      .replace(/\bX509SHA256=[0-9a-f]+/g, 'X509SHA256=…')
      .replace(/\b[A-Z]\w+ in version \S+/g, 'KIND in version V')
      .replace(/\{\{\w+\}\}[\w.-]*/g, 'NAME')
      .replace(/<([a-z-]+):\d+>/g, '<$1>')
      .replace(/\d+/g, 'N')
      .slice(0, 160);
  const place = path
    // Of a description of the API: what differs, not in which of a thousand places.
    .replace(/^body\.(paths|definitions|components|parameters)\b.*?((?:\.[\w-]+|\[[^\]]*\]){1,2})$/, 'body.$1 … $2')
    // Schemas hold schemas.
    .replace(/\.openAPIV3Schema\b.*?((?:\.[\w-]+|\[[^\]]*\]))$/, '.openAPIV3Schema … $1')
    .replace(/\[\d+\]/g, '[*]')
    .replace(/\[[^\]]*\b(Update|Apply)\b[^\]]*\]/g, '[$1]')
    .replace(/\["(?:[kv]:)[^\]]*\]/g, '[k:*]')
    // Paths and types of a description of the API.
    .replace(/\["[^"]*[./][^"]*"\]/g, '[…]');
  // A status code is the sort itself; other numbers are not.
  const coded = (text: string) => (path === 'status' ? text.slice(0, 3) + words(text.slice(3)) : words(text));
  return `${place}: ${sort(expected, coded)} ⇒ ${sort(got, coded)}`;
}

/** The key as a line of a file, and back. */
export const keyLine = (key: string): string => `${key.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`;
export const lineKey = (line: string): string =>
  line.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));

function sort(value: Json | undefined, words: (text: string) => string): string {
  if (value === undefined) return 'absent';
  if (typeof value === 'string') return words(value);
  if (Array.isArray(value))
    return value.every((each) => typeof each === 'string') ? words(JSON.stringify(value)) : `list of ${value.length}`;
  if (!isObject(value)) return typeof value === 'number' ? 'N' : String(value);
  // A cause of a refusal: its field, reason and message are the sort.
  if ('reason' in value && 'field' in value)
    return words(
      `${String(value['field']).replace(/\[[^\]]*\]/g, '[*]')} ${String(value['reason'])} ${String(value['message'])}`,
    );
  return `{${Object.keys(value).sort().slice(0, 6).join(',')}}`;
}

import { isUtf8 } from 'node:buffer';
import { deepestJson } from '@keelson/core/machinery';
import {
  isCollection,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  parseDocument,
  type Tags,
  visit,
} from 'yaml';
import { type DecodedBody, type KeyTwice, yamlFindings } from './body-findings.ts';
import { yamlMessage } from './yaml-message.ts';

/** An alias in YAML may not blow a small text up to a large object. */
const maxAliasCount = 100;

/** A text is no YAML; `message` is worded as clients of Kubernetes know it, where that could be found out. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

/** YAML 1.1 as Kubernetes reads it: `yes` and `on` are true, but nothing becomes a date or bytes. */
const plainTags = (tags: Tags): Tags =>
  tags.filter(
    (each) =>
      typeof each === 'string' || (!/:(timestamp|binary|set|omap|pairs)$/.test(each.tag) && each.format !== 'TIME'),
  );

/** Throws `YamlError` for what is no UTF-8 (RFC 3629), in the words of Go's reader of YAML. */
export function checkUtf8(bytes: Uint8Array): void {
  if (isUtf8(bytes)) return;
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const width = first < 0x80 ? 1 : first >> 5 === 6 ? 2 : first >> 4 === 14 ? 3 : first >> 3 === 30 ? 4 : 0;
    if (width === 0) throw new YamlError('invalid leading UTF-8 octet');
    if (at + width > bytes.length) throw new YamlError('incomplete UTF-8 octet sequence');
    let code = width === 1 ? first : first & (0xff >> (width + 1));
    for (let more = 1; more < width; more++) {
      const next = bytes[at + more] ?? 0;
      if (next >> 6 !== 2) throw new YamlError('invalid trailing UTF-8 octet');
      code = (code << 6) | (next & 0x3f);
    }
    if (code < (leastOfWidth[width] ?? 0)) throw new YamlError('invalid length of a UTF-8 sequence');
    if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff) throw new YamlError('invalid Unicode character');
    at += width;
  }
}

const leastOfWidth = [0, 0, 0x80, 0x800, 0x10000];

/** Reads the first document of a text. Throws `YamlError`, whatever is wrong. */
export function readYaml(text: string): DecodedBody {
  checkDepth(text);
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      uniqueKeys: false,
      lineCounter: lines,
      logLevel: 'silent',
      merge: true,
      version: '1.1',
      customTags: plainTags,
    });
    const problem = document.errors[0];
    const end = problem && endOfBrackets(text);
    if (end !== undefined && end < text.length) return readYaml(text.slice(0, end));
    if (problem) throw new YamlError(yamlMessage(problem, text));
    const twice: KeyTwice[] = [];
    visit(document, {
      Map(_, map) {
        const seen = new Set<unknown>();
        for (const { key } of map.items) {
          if (isCollection(key)) throw new YamlError(`invalid map key: ${goCollection(key)}`);
          const name = isScalar(key) ? key.value : key;
          if (seen.has(name) && isScalar(key) && key.range) {
            twice.push({ line: lines.linePos(key.range[0]).line, key: JSON.stringify(name) });
          }
          seen.add(name);
        }
      },
      Alias(_, alias, path) {
        const meant: Node | undefined = alias.resolve(document);
        if (!meant) throw new YamlError(`unknown anchor '${alias.source}' referenced`);
        if (path.includes(meant)) throw new YamlError(`anchor '${alias.source}' value contains itself`);
      },
    });
    const value: unknown = document.toJS({ maxAliasCount });
    return yamlFindings(value ?? undefined, twice);
  } catch (error) {
    throw error instanceof YamlError ? error : wordedAsGo(error);
  }
}

/**
 * Where the brackets close that a text begins with: the document is over there, whatever comes then. Undefined where they
 * do not, and where they are only a key.
 */
function endOfBrackets(text: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const each = text.charAt(at);
    if (each === '{' || each === '[') depth++;
    else if ((each === '"' || each === "'") && /[{[,:]\s*$/.test(text.slice(Math.max(0, at - 80), at))) {
      while (++at < text.length && text.charAt(at) !== each) if (each === '"' && text.charAt(at) === '\\') at++;
    } else if ((each === '}' || each === ']') && --depth === 0) {
      return /^\s*:/.test(text.slice(at + 1)) ? undefined : at + 1;
    }
    if (depth === 0 && !/\s/.test(each)) return undefined;
  }
  return undefined;
}

/** The library says what is wrong with a text by errors of any class. */
function wordedAsGo(error: unknown): YamlError {
  if (error instanceof RangeError) return tooDeep();
  const why = error instanceof Error ? error.message : String(error);
  if (why.startsWith('Excessive alias count')) return new YamlError('document contains excessive aliasing');
  if (why.startsWith('Merge sources')) {
    return new YamlError('map merge requires map or sequence of maps as the value');
  }
  return new YamlError(why);
}

/** A key that is none, as Go prints it; of what lies in it only scalars, lest each level double the text. */
function goCollection(key: unknown): string {
  const shown = (value: unknown) => (isScalar(value) ? JSON.stringify(value.value) : '…');
  if (isSeq(key)) return `[]interface {}{${key.items.map(shown).join(', ')}}`;
  if (!isMap(key)) return '…';
  return `map[interface {}]interface {}{${key.items.map((each) => `${shown(each.key)}:${shown(each.value)}`).join(', ')}}`;
}

const tooDeep = () => new YamlError(`exceeded max depth of ${deepestJson}`);

/** Before anything goes down level by level. Throws `YamlError`. */
function checkDepth(text: string): void {
  if (mostDepth(text) <= deepestJson) return;
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme));
    // With the document, and what stands at the deepest level.
    if (parser.stack.length > deepestJson + 2) throw tooDeep();
  }
}

/**
 * No text nests deeper: each level takes a bracket, those in strings taken for real ones, or begins further right in its
 * line, but for a list in a map, which may begin where its key does.
 */
function mostDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let line = 0;
  let longest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    line++;
    if (code === 0x0a) line = 0;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if ((code === 0x7d || code === 0x5d) && depth > 0) depth--;
    if (line > longest) longest = line;
  }
  return deepest + 2 * longest;
}

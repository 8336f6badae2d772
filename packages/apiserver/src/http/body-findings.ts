import type { PatchType } from '@keelson/core';
import { deepestJson } from '@keelson/core/machinery';
import { mostStrictErrors, rememberNumbers } from '../schema/index.ts';
import { countKeys, probeJson } from './json-probe.ts';
import { mergeRepeats } from './json-repeats.ts';
import { scanJson } from './json-scan.ts';

export interface DecodedBody {
  /** `undefined` for an empty body. */
  readonly value: unknown;
  /** What the text alone shows: keys given twice. Each is a warning. */
  readonly findings: readonly string[];
  /** All findings, given the unknown fields: in the order and words in which Kubernetes warns of them or refuses. */
  withUnknown(unknown: readonly string[], as: 'warnings' | 'error'): readonly string[];
}

const duplicate = (path: string) => `duplicate field ${JSON.stringify(path)}`;
const unknownField = (path: string) => `unknown field ${JSON.stringify(path)}`;
const pathIn = (finding: string) => /^unknown field "(.*)"$/s.exec(finding)?.[1];

/**
 * A JSON text. A key given twice fills one object, as Go's decoder does with a struct, or counts as it was given `last`,
 * as with a map. Unknown fields and duplicates are told where they stand in it; what lies in an unknown field is not
 * judged. Throws `JsonSyntaxError`.
 */
export function readJson(given: string, repeated: 'filled' | 'last' = 'filled'): DecodedBody {
  const text = withoutLoneSurrogates(given);
  const plain = readPlain(text);
  if (plain !== undefined) return { value: plain, findings: [], withUnknown: (unknown) => unknown };
  const { duplicates, numbers, repeats } = scanJson(text);
  const value: unknown = repeats.length === 0 || repeated === 'last' ? JSON.parse(text) : mergeRepeats(text, repeats);
  rememberNumbers(value, numbers);
  return {
    value,
    findings: duplicates.map(duplicate),
    withUnknown(unknown) {
      if (duplicates.length === 0) return unknown;
      const paths = unknown.flatMap((each) => pathIn(each) ?? []);
      const hidden = (path: string) => paths.some((each) => path !== each && /^[.[]/.test(afterPrefix(path, each)));
      const named = new Set(paths);
      const ordered = scanJson(text, named)
        .order.filter((path) => !hidden(path))
        .map((path) => (named.has(path) ? unknownField(path) : duplicate(path)));
      // What stands at no place of the text, or is worded in another way, comes last.
      return [...new Set([...ordered, ...unknown])].slice(0, mostStrictErrors);
    },
  };
}

const escapes = /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2})|.)/gs;

/** Half a character stands for none, as for Go; written again it would be no text at all. */
function withoutLoneSurrogates(text: string): string {
  if (!/\\u[dD]/.test(text)) return text;
  return text.replace(escapes, (whole, lone: string | undefined) => (lone === undefined ? whole : '\\ufffd'));
}

/** The value of a text of which nothing but its value matters: no key is given twice, and no number is written oddly. */
function readPlain(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What is wrong is told by the scan, in the words that clients know.
    return undefined;
  }
  const { keys, depth, odd } = probeJson(text);
  return odd || depth > deepestJson || keys !== countKeys(value) ? undefined : value;
}

/** A key of a YAML text that its mapping has already. */
export interface KeyTwice {
  readonly line: number;
  /** In quotes. */
  readonly key: string;
}

/** Of a YAML text: the duplicates by line (one error for all), then the unknown fields by name. */
export function yamlFindings(value: unknown, twice: readonly KeyTwice[]): DecodedBody {
  const lines = [...twice]
    .sort((a, b) => a.line - b.line)
    .map(({ line, key }) => `line ${line}: key ${key} already set in map`);
  return {
    value,
    findings: lines,
    withUnknown(unknown, as) {
      if (lines.length === 0) return unknown;
      const told =
        as === 'warnings' ? lines : [`yaml: unmarshal errors:${lines.map((each) => `\n  ${each}`).join('')}`];
      return [...told, ...[...unknown].sort()];
    },
  };
}

/** Of a patch: what its own text shows, then the unknown fields of the patched object by name. */
export function patchFindings(decoded: DecodedBody, patchType: PatchType): DecodedBody {
  const { value } = decoded;
  const findings =
    patchType === 'application/json-patch+json'
      ? [...decoded.findings, ...unknownMembers(value)].map((each) => `json patch ${each}`)
      : decoded.findings;
  return { value, findings, withUnknown: (unknown) => [...findings, ...[...unknown].sort()] };
}

/** Fields that an operation of a JSON patch (RFC 6902) does not have. */
function unknownMembers(patch: unknown): string[] {
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((operation: unknown, index) =>
    typeof operation === 'object' && operation !== null
      ? Object.keys(operation)
          .filter((key) => !['op', 'path', 'from', 'value'].includes(key))
          .map((key) => unknownField(`[${index}].${key}`))
      : [],
  );
}

const afterPrefix = (text: string, prefix: string) => (text.startsWith(prefix) ? text.slice(prefix.length) : '');

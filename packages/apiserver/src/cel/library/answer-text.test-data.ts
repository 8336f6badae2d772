import { formatQuantity } from '@keelson/core';
import { NumberText } from '../../schema/number-text.ts';
import { CelJsonPatch, CelObjectPatch } from '../mutation-types.ts';
import { doubleText } from '../standard/numbers.ts';
import { timestampText } from '../standard/times.ts';
import { CelType } from '../type.ts';
import {
  CelDuration,
  CelError,
  CelList,
  CelMap,
  type CelObject,
  CelOptional,
  CelTimestamp,
  CelUint,
  type CelValue,
} from '../value.ts';
import { CelQuantity } from './quantity.ts';
import { CelSemver } from './semver.ts';

const forHtml: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };

const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[<>&\u2028\u2029\x7f]/g, (char) =>
    char === '\x7f' ? char : (forHtml[char] ?? `\\u${char.charCodeAt(0).toString(16)}`),
  );

const unit = { h: 3_600_000_000_000n, m: 60_000_000_000n, s: 1_000_000_000n } as const;

/** Go's `time.Duration.String`, for whole milliseconds and more. */
function goDuration(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const hours = size / unit.h;
  const minutes = (size % unit.h) / unit.m;
  const seconds = Number(size % unit.m) / 1e9;
  const sign = nanoseconds < 0n ? '-' : '';
  if (size > 0n && size < unit.s) return `${sign}${Number(size) / 1e6}ms`;
  return `${sign}${hours > 0n ? `${hours}h` : ''}${size >= unit.m ? `${minutes}m` : ''}${seconds}s`;
}

/** A value as `conformance/cel` writes the real one. */
export function answerText(value: CelValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') return `double ${doubleText(value)}`;
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof CelUint) return `${value.value}u`;
  if (value instanceof Uint8Array) return `b${quoted(new TextDecoder().decode(value))}`;
  if (value instanceof CelDuration) return `duration ${goDuration(value.nanoseconds)}`;
  if (value instanceof CelTimestamp) return `timestamp ${timestampText(value)}`;
  if (value instanceof CelOptional) return value.value === undefined ? 'none' : `optional(${answerText(value.value)})`;
  if (value instanceof CelList) return `[${[...value].map(answerText).join(', ')}]`;
  if (value instanceof CelMap) {
    const entries = [...value.keys()].map((key) => `${answerText(key)}: ${answerText(value.get(key) ?? null)}`);
    return `{${entries.sort().join(', ')}}`;
  }
  if (value instanceof CelType) return `type ${value.name}`;
  if (value instanceof CelObjectPatch) return patchText(value);
  if (value instanceof CelJsonPatch) return `patch ${operationText(value)}`;
  return `${value.type.name}${objectText(value)}`;
}

function patchText(patch: CelObjectPatch): string {
  if (patch.mismatch !== undefined) return `mismatch ${patch.mismatch}`;
  try {
    const json = JSON.stringify(sorted(patch.toJson()), (_, each: unknown) =>
      each instanceof NumberText ? each.text : each,
    );
    return `${patch.type.name} ${json.replace(/[<>&]/g, (char) => forHtml[char] ?? char)}`;
  } catch (error) {
    if (error instanceof CelError) return `no JSON ${error.message}`;
    throw error;
  }
}

/** Go writes the keys of maps in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || value instanceof NumberText) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

function operationText(patch: CelJsonPatch): string {
  const texts = ['op', 'path', 'from'].map((field) => patch.get(field)).join(' ');
  return patch.has('value') ? `${texts} ${answerText(patch.get('value'))}` : texts;
}

function objectText(value: CelObject): string {
  if (value instanceof CelQuantity) return ` ${formatQuantity(value.amount)}`;
  if (value instanceof CelSemver) return ` ${value.numbers.join('.')}`;
  return value.type.name.startsWith('net.') ? ` ${value}` : '';
}

/** The same for the real answer, where it shows more than a value says (a quantity as it was spelled). */
export const expectedText = (text: string): string =>
  text
    .replaceAll('\\ufffd', '\ufffd')
    .replace(
      /kubernetes\.Quantity ([^\s,\])}]+)/g,
      (_, amount: string) => `kubernetes.Quantity ${formatQuantity(amount)}`,
    )
    .replace(/kubernetes\.Semver (\d+\.\d+\.\d+)\S*/g, 'kubernetes.Semver $1')
    .replace(/(kubernetes\.(?:NamedFormat|authorization\.\w+)) (\{.*?\}|no such overload|\S+)/g, '$1')
    .replace(/(kubernetes\.URL) .*/, '$1');

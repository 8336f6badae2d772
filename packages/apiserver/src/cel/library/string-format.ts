import { goQuote } from '../../registry/strategy.ts';
import { doubleText } from '../standard/numbers.ts';
import { durationSeconds, timestampText } from '../standard/times.ts';
import { CelType } from '../type.ts';
import {
  CelDuration,
  CelError,
  CelList,
  CelMap,
  CelObject,
  CelOptional,
  CelTimestamp,
  CelUint,
  type CelValue,
} from '../value.ts';
import { exactFixed, exactScientific } from './exact-decimal.ts';
import { Steps } from './limits.ts';
import { checkLength } from './text.ts';

export type FormatLetter = 's' | 'd' | 'f' | 'e' | 'b' | 'x' | 'X' | 'o';

/** A part of a format: text that stands for itself, or a place for an argument. */
export type FormatPart =
  | { readonly text: string }
  | { readonly letter: FormatLetter; readonly precision: number | undefined };

/** What is wrong with a format, from that part on. */
export interface FormatProblem {
  readonly problem: string;
}

const letters: ReadonlySet<string> = new Set(['s', 'd', 'f', 'e', 'b', 'x', 'X', 'o']);
const isLetter = (text: string): text is FormatLetter => letters.has(text);

/** Takes a format apart; a mistake is the last part, so that what stands before it is looked at first. */
export function formatParts(format: string): readonly (FormatPart | FormatProblem)[] {
  const parts: (FormatPart | FormatProblem)[] = [];
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    if (percent !== at) parts.push({ text: format.slice(at, percent < 0 ? undefined : percent) });
    if (percent < 0) break;
    at = percent + 1;
    if (format[at] === '%') {
      parts.push({ text: '%' });
      at += 1;
      continue;
    }
    const clause = readClause(format.slice(at));
    parts.push(clause.part);
    if ('problem' in clause.part) break;
    at += clause.length;
  }
  return parts;
}

function readClause(rest: string): { readonly part: FormatPart | FormatProblem; readonly length: number } {
  const refused = (problem: string) => ({ part: { problem }, length: 0 });
  if (rest === '') return refused('unexpected end of string');
  const inPrecision = (why: string) =>
    refused(`could not parse formatting clause: error while parsing precision: ${why}`);
  const notANumber = (text: string, why: string) =>
    inPrecision(`error while converting precision to integer: strconv.Atoi: parsing "${text}": ${why}`);
  let length = 0;
  let precision: number | undefined;
  if (rest.startsWith('.')) {
    const digits = /^\.([0-9]*)/.exec(rest)?.[1] ?? '';
    length = digits.length + 1;
    if (length === rest.length) return inPrecision('could not find end of precision specifier');
    if (digits === '') return notANumber(digits, 'invalid syntax');
    if (BigInt(digits) >= 2n ** 63n) return notANumber(digits, 'value out of range');
    precision = Number(digits);
  }
  const letter = String.fromCodePoint(rest.codePointAt(length) ?? 0);
  if (!isLetter(letter)) {
    return refused(`could not parse formatting clause: unrecognized formatting clause ${goQuote(letter)}`);
  }
  return { part: { letter, precision }, length: length + 1 };
}

/** `format` with the arguments in their places, as cel-go's `string.format`; throws a `CelError`. */
export function formatString(format: string, args: CelList): string {
  let index = 0;
  let length = 0;
  return formatParts(format)
    .map((part) => {
      if ('text' in part) return part.text;
      if (index >= args.size) throw new CelError(`index ${index} out of range`);
      if ('problem' in part) throw new CelError(part.problem);
      const argument = args.at(index);
      index += 1;
      const text = formatClause(part.letter, part.precision, argument);
      length += text.length;
      checkLength(length);
      return text;
    })
    .join('');
}

/** What each letter takes. */
export const formatTakes: Readonly<Record<FormatLetter, string>> = {
  s: 'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  d: 'decimal clause can only be used on integers',
  f: 'fixed-point clause can only be used on doubles',
  e: 'scientific clause can only be used on doubles',
  b: 'only integers and bools can be formatted as binary',
  x: 'only integers, byte buffers, and strings can be formatted as hex',
  X: 'only integers, byte buffers, and strings can be formatted as hex',
  o: 'octal clause can only be used on integers',
};

export const formatMistake = (letter: FormatLetter, given: string): string =>
  `error during formatting: ${formatTakes[letter]}, was given ${given}`;

/** Kubernetes counts what stands behind the point in eight bits. */
const mostDecimals = 256;
const mostWidth = 65_536;
const usualPrecision = 6;

function formatClause(letter: FormatLetter, precision: number | undefined, value: CelValue): string {
  const refused = () => new CelError(formatMistake(letter, typeName(value)));
  if (letter === 's') return plainText(value);
  if (letter === 'f' || letter === 'e') {
    const double = typeof value === 'string' ? spelledDoubles.get(value) : value;
    if (typeof double !== 'number') throw refused();
    return letter === 'f'
      ? fixedPoint(double, (precision ?? usualPrecision) % mostDecimals)
      : scientific(double, (precision ?? usualPrecision) % mostWidth);
  }
  const whole = value instanceof CelUint ? value.value : value;
  if (typeof whole === 'bigint') return inBase(whole, letter);
  if (letter === 'b' && typeof value === 'boolean') return value ? '1' : '0';
  const bytes = letter === 'x' || letter === 'X' ? bytesOf(value) : undefined;
  if (!bytes) throw refused();
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return letter === 'X' ? hex.toUpperCase() : hex;
}

const utf8 = new TextEncoder();

function bytesOf(value: CelValue): Uint8Array | undefined {
  return typeof value === 'string' ? utf8.encode(value) : value instanceof Uint8Array ? value : undefined;
}

const bases = { d: 10, b: 2, o: 8, x: 16, X: 16 } as const;

function inBase(value: bigint, letter: keyof typeof bases): string {
  const text = value.toString(bases[letter]);
  return letter === 'X' ? text.toUpperCase() : text;
}

const spelledDoubles = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** In the spelling of English, which the real server uses: `1,234.500000`, `∞`. */
function fixedPoint(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return notFinite(value);
  const digits = exactFixed(value, decimals);
  const whole = digits.whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${value < 0 ? '-' : ''}${whole}${decimals > 0 ? `.${digits.decimals}` : ''}`;
}

const notFinite = (value: number): string => (Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞');

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** `1.052033×10⁰³`. What is written as its precision is its width: six digits stand behind the point always. */
function scientific(value: number, width: number): string {
  if (!Number.isFinite(value)) return notFinite(value).padStart(width);
  const { digits, exponent } = exactScientific(value, usualPrecision);
  const power = Math.abs(exponent).toString().padStart(2, '0');
  const raised = [...power].map((digit) => superscripts[Number(digit)]).join('');
  const mantissa = `${value < 0 ? '-' : ''}${digits.slice(0, 1)}.${digits.slice(1)}`;
  return `${mantissa}×10${exponent < 0 ? '⁻' : ''}${raised}`.padStart(width);
}

/** What `%s` writes. */
function plainText(value: CelValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return doubleText(value);
  if (value instanceof CelDuration) return durationSeconds(value);
  if (value instanceof CelTimestamp) return timestampText(value);
  if (value instanceof Uint8Array) return fromUtf8(value);
  if (value instanceof CelObject || value instanceof CelOptional)
    throw new CelError(formatMistake('s', typeName(value)));
  return nestedText(value, new Steps());
}

/** A value within a list or a map; every character of it is a step. */
function nestedText(value: CelValue, steps: Steps): string {
  const text = partText(value, steps);
  steps.take(text.length);
  return text;
}

function partText(value: CelValue, steps: Steps): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return goQuote(value);
  if (typeof value === 'number') return nestedDouble(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof Uint8Array) return `b${goQuote(fromUtf8(value))}`;
  if (value instanceof CelDuration) return `duration("${durationSeconds(value)}")`;
  if (value instanceof CelTimestamp) return `timestamp("${timestampText(value)}")`;
  if (value instanceof CelType) return value.name;
  if (value instanceof CelList) return `[${[...value].map((each) => nestedText(each, steps)).join(', ')}]`;
  if (value instanceof CelMap) return mapText(value, steps);
  throw new CelError(`error during formatting: no formatting function for ${typeName(value)}`);
}

function nestedDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${doubleText(value)}"`;
  const { whole, decimals } = exactFixed(value, usualPrecision);
  return `${value < 0 || Object.is(value, -0) ? '-' : ''}${whole}.${decimals}`;
}

/** Entries by the text of their keys, so that the order is always the same one. */
function mapText(map: CelMap, steps: Steps): string {
  const entries = [...map.keys()].map((key) => [keyText(key, steps), nestedText(map.get(key) ?? null, steps)] as const);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, value]) => `${key}:${value}`).join(', ')}}`;
}

function keyText(key: CelValue, steps: Steps): string {
  if (typeof key !== 'number') return nestedText(key, steps);
  throw new CelError('error during formatting: no formatting function for map key of type double');
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function fromUtf8(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    const why = 'invalid UTF-8 in bytes, cannot convert to string';
    throw new CelError(`error during formatting: could not convert argument "${why}" to string`);
  }
}

/** The name of a value's type, as messages give it. */
function typeName(value: CelValue): string {
  if (value === null) return 'null_type';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'double';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (value instanceof CelObject) return value.type.name;
  const known = classNames.find(([type]) => value instanceof type);
  return known?.[1] ?? 'type';
}

const classNames = [
  [CelUint, 'uint'],
  [Uint8Array, 'bytes'],
  [CelDuration, 'google.protobuf.Duration'],
  [CelTimestamp, 'google.protobuf.Timestamp'],
  [CelList, 'list'],
  [CelMap, 'map'],
  [CelOptional, 'optional_type'],
] as const;

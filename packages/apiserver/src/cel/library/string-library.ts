import type { CelLibrary, CostEstimate, CostNode, SizeEstimate } from '../contract.ts';
import { dynType, intType, listType, stringType } from '../standard-types.ts';
import { CelArray, CelError, type CelList } from '../value.ts';
import {
  added,
  bounded,
  type CallCost,
  fixedCost,
  multiplied,
  perCharacter,
  readingCost,
  sizeEstimate,
  sizeOf,
  times,
  unbounded,
} from './cost-rules.ts';
import { call, method, named } from './declare.ts';
import { walkingCost } from './list-library.ts';
import { formatString } from './string-format.ts';
import { checkLength, codePoints, pointOf, slicePoints, unitOf } from './text.ts';

const outOfRange = (index: bigint) => new CelError(`index out of range: ${index}`);

function charAt(text: string, index: bigint): string {
  if (index < 0n || index > BigInt(codePoints(text))) throw outOfRange(index);
  return slicePoints(text, Number(index), Number(index) + 1);
}

function indexOf(text: string, wanted: string, offset: bigint): bigint {
  if (wanted === '') return offset;
  if (offset < 0n) throw outOfRange(offset);
  if (offset > BigInt(codePoints(text))) return -1n;
  return placeOf(text, text.indexOf(wanted, unitOf(text, Number(offset))));
}

function lastIndexOf(text: string, wanted: string, offset: bigint): bigint {
  if (wanted === '') return offset;
  if (offset < 0n) throw outOfRange(offset);
  if (offset >= BigInt(codePoints(text))) return -1n;
  return placeOf(text, text.lastIndexOf(wanted, unitOf(text, Number(offset))));
}

const placeOf = (text: string, unit: number): bigint => (unit < 0 ? -1n : BigInt(pointOf(text, unit)));

function substring(text: string, start: bigint, end?: bigint): string {
  const length = BigInt(codePoints(text));
  if (end !== undefined && start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > length) throw outOfRange(start);
  if (end !== undefined && (end < 0n || end > length)) throw outOfRange(end);
  return slicePoints(text, Number(start), end === undefined ? undefined : Number(end));
}

/** Replaces from the left, `limit` times at most where it is not negative; nothing stands before and behind each character. */
function replace(text: string, wanted: string, by: string, limit: bigint): string {
  const parts = wanted === '' ? ['', ...text, ''] : text.split(wanted);
  const places = parts.length - 1;
  const most = limit < 0n || limit > BigInt(places) ? places : Number(limit);
  checkLength(text.length + most * Math.max(by.length - wanted.length, 0));
  return joinWith(parts, by, wanted, most);
}

/** The parts with `by` between the first ones, `most` times, and `otherwise` between the rest. */
function joinWith(parts: readonly string[], by: string, otherwise: string, most: number): string {
  return [parts.slice(0, most + 1).join(by), ...parts.slice(most + 1)].join(otherwise);
}

function split(text: string, separator: string, limit: bigint): CelArray {
  if (limit === 0n) return new CelArray([]);
  const parts = separator === '' ? [...text] : text.split(separator);
  const most = Number(limit);
  if (limit < 0n || parts.length <= most) return new CelArray(parts);
  return new CelArray([...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)]);
}

function join(texts: CelList, separator: string, mistake = 'no such overload: join(list, string)'): string {
  const all: string[] = [];
  let length = separator.length * Math.max(texts.size - 1, 0);
  for (let index = 0; index < texts.size; index++) {
    const each = texts.at(index);
    if (typeof each !== 'string') throw new CelError(mistake);
    length += each.length;
    checkLength(length);
    all.push(each);
  }
  checkLength(length);
  return all.join(separator);
}

/** Go's white space (unicode.IsSpace), which is not JavaScript's. */
const space = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function trim(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && space.test(text[start] ?? '')) start += 1;
  while (end > start && space.test(text[end - 1] ?? '')) end -= 1;
  return text.slice(start, end);
}

const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** Half a pair is no character. */
const halves = /\p{Surrogate}/gu;

const quote = (text: string): string =>
  `"${text.replace(halves, '\ufffd').replace(/[\x07\b\f\n\r\t\v\\"]/g, (char) => escapes[char] ?? char)}"`;

const sameSize = ([text]: readonly CostNode[]): SizeEstimate => sizeEstimate(text);

const quotingCost = readingCost(0, perCharacter, ([text]) => {
  const { min, max } = sizeEstimate(text);
  return { min: bounded(min + 2), max: bounded(max * 2 + 2) };
});

/** What is written costs as much as what is read. */
const replacingCost = readingCost(0, 2 * perCharacter, ([text, wanted, by]) =>
  replacedSize(sizeEstimate(text), sizeEstimate(wanted), sizeEstimate(by)),
);

function replacedSize(text: SizeEstimate, wanted: SizeEstimate, by: SizeEstimate): SizeEstimate {
  return { min: bounded(shortest(text, wanted, by)), max: bounded(longest(text, wanted, by)) };
}

function shortest(text: SizeEstimate, wanted: SizeEstimate, by: SizeEstimate): number {
  if (wanted.max === 0) return (text.min + 1) * by.min + text.min;
  return by.min < wanted.max ? Math.ceil(text.min / wanted.max) * by.min : text.min;
}

function longest(text: SizeEstimate, wanted: SizeEstimate, by: SizeEstimate): number {
  if (by.max <= wanted.min) return text.max;
  return wanted.min === 0 ? (text.max + 1) * by.max + text.max : Math.ceil(text.max / wanted.min) * by.max;
}

const splittingCost = readingCost(0, 2 * perCharacter, ([text, , limit]) => {
  const expression = limit?.expression;
  if (expression?.kind !== 'literal' || typeof expression.value !== 'bigint') {
    return { min: 0, max: sizeEstimate(text).max };
  }
  return { min: 0, max: expression.value < 0n ? unbounded : Number(expression.value) };
});

const nothing: CostEstimate = { min: 0, max: 0 };

function joinedSize([list, separator]: readonly CostNode[]): CostEstimate {
  const count = sizeEstimate(list);
  // Of what is not known to be a list nothing but the gaps is counted.
  const texts = list?.type.kind === 'list' ? multiplied(count, sizeEstimate(list.element('@items'))) : nothing;
  if (!separator) return texts;
  const gaps = { min: Math.max(count.min - 1, 0), max: Math.max(count.max - 1, 0) };
  return added(texts, multiplied(gaps, sizeEstimate(separator)));
}

const joiningCost: CallCost = {
  estimate: (args) => {
    const resultSize = joinedSize(args);
    return { cost: times(resultSize, perCharacter), resultSize };
  },
  cost: (_, result) => Math.ceil(sizeOf(result) * 2 * perCharacter),
};

const upper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
const lower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const reading = readingCost(0, perCharacter, sameSize);

/** cel-go's functions for strings as they were before their versions: https://pkg.go.dev/github.com/google/cel-go/ext#Strings */
export const stringLibrary: CelLibrary = {
  name: 'cel.lib.ext.strings',
  functions: [
    named('charAt', method('string_char_at_int', [stringType, intType], stringType, charAt, fixedCost(1))),
    named(
      'indexOf',
      method(
        'string_index_of_string',
        [stringType, stringType],
        intType,
        (text, wanted) => indexOf(text, wanted, 0n),
        walkingCost,
      ),
      method('string_index_of_string_int', [stringType, stringType, intType], intType, indexOf, walkingCost),
    ),
    named(
      'lastIndexOf',
      method(
        'string_last_index_of_string',
        [stringType, stringType],
        intType,
        (text, wanted) => placeOf(text, text.lastIndexOf(wanted)),
        walkingCost,
      ),
      method('string_last_index_of_string_int', [stringType, stringType, intType], intType, lastIndexOf, walkingCost),
    ),
    named('lowerAscii', method('string_lower_ascii', [stringType], stringType, lower, reading)),
    named('upperAscii', method('string_upper_ascii', [stringType], stringType, upper, reading)),
    named('trim', method('string_trim', [stringType], stringType, trim, reading)),
    named(
      'substring',
      method('string_substring_int', [stringType, intType], stringType, substring, reading),
      method('string_substring_int_int', [stringType, intType, intType], stringType, substring, reading),
    ),
    named(
      'replace',
      method(
        'string_replace_string_string',
        [stringType, stringType, stringType],
        stringType,
        (text, wanted, by) => replace(text, wanted, by, -1n),
        replacingCost,
      ),
      method(
        'string_replace_string_string_int',
        [stringType, stringType, stringType, intType],
        stringType,
        replace,
        replacingCost,
      ),
    ),
    named(
      'split',
      method(
        'string_split_string',
        [stringType, stringType],
        listType(stringType),
        (text, separator) => split(text, separator, -1n),
        splittingCost,
      ),
      method('string_split_string_int', [stringType, stringType, intType], listType(stringType), split, splittingCost),
    ),
    named(
      'join',
      method(
        'list_join',
        [listType(stringType)],
        stringType,
        (texts) => join(texts, '', 'no such overload: join(list)'),
        joiningCost,
      ),
      method(
        'list_join_string',
        [listType(stringType), stringType],
        stringType,
        (texts, separator) => join(texts, separator),
        joiningCost,
      ),
    ),
  ],
};

/** What Kubernetes 1.29 added to them. */
export const stringFormatLibrary: CelLibrary = {
  name: 'cel.lib.ext.strings.v2',
  functions: [
    named('strings.quote', call('strings_quote', [stringType], stringType, quote, quotingCost)),
    named('format', method('string_format', [stringType, listType(dynType)], stringType, formatString, readingCost(0))),
  ],
};

import fc, { type Arbitrary } from 'fast-check';
import { isObject, type Json } from '../../twin/json.ts';
import { key, of, text } from './texts.ts';

/** A string in JSON; lone surrogates come as they are, or escaped. */
const quoted = text.map((each) => JSON.stringify(each));

const scalar: Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: of(
      'null',
      '{}',
      '[]',
      '""',
      '0',
      '1',
      'true',
      'false',
      '-1',
      '1.5',
      '1.0',
      '1e3',
      '1e999',
      '-1e999',
      '-0',
      '1e-999',
    ),
  },
  {
    weight: 2,
    arbitrary: of(
      '2147483648',
      '-2147483649',
      '9007199254740993',
      '9223372036854775807',
      '9223372036854775808',
      '18446744073709551616',
      '123456789012345678901234567890',
      `1${'0'.repeat(400)}`,
      `0.${'1'.repeat(400)}`,
    ),
  },
  { weight: 3, arbitrary: quoted },
  {
    weight: 1,
    arbitrary: of('"\\ud800"', '"\\u0000"', '"\\uDC00\\uD800"', '[null]', '[[]]', '[{}]', '{"":{}}', '{"a":null}'),
  },
  // No JSON at all.
  {
    weight: 1,
    arbitrary: of(
      '',
      'NaN',
      'Infinity',
      '-',
      '01',
      '1.',
      '.5',
      'nul',
      "'a'",
      '"\\x"',
      '"\u0001"',
      '{',
      '[',
      '"',
      ',',
      '{"a"}',
      '[1,]',
      '{a:1}',
      '//x',
      '\ufeff{}',
    ),
  },
);

const objectText = (entries: readonly (readonly [string, string])[]) =>
  `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;

/** Nested so deep that recursion may end the stack. */
export const deep: Arbitrary<string> = fc
  .tuple(of(3, 100, 1000, 9_999, 10_001, 100_000), of('[', '{"a":', '{"metadata":', '[{"items":'), fc.boolean())
  .map(([depth, open, closed]) => {
    const close = [...open].reverse().flatMap((each) => (each === '[' ? [']'] : each === '{' ? ['}'] : []));
    return open.repeat(depth) + (closed ? `1${close.join('').repeat(depth)}` : '');
  });

/** JSON, or nearly, as text. */
export const jsonText: Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 4, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(fc.tuple(key, tie('node')), { maxLength: 4 }).map(objectText) },
    { weight: 1, arbitrary: fc.array(tie('node'), { maxLength: 4 }).map((all) => `[${all.join(',')}]`) },
    { weight: 1, arbitrary: deep },
  ),
})).node;

export interface Mutation {
  readonly at: number;
  readonly how: 'replace' | 'beside' | 'twice' | 'remove';
  readonly name: string;
  readonly value: string;
}

export const mutation: Arbitrary<Mutation> = fc.record({
  at: fc.nat({ max: 200 }),
  how: of('replace', 'beside', 'twice', 'remove'),
  name: key,
  value: jsonText,
});

/** An object with some of its values replaced, doubled or removed, as the text of a body. */
export function mutate(object: Json, mutations: readonly Mutation[]): string {
  const root = structuredClone(object);
  const texts: string[] = [];
  for (const { at, how, name, value } of mutations) {
    const places = placesIn(root);
    const place = places[at % Math.max(1, places.length)];
    if (!place) continue;
    const { holder, index } = place;
    const old = Array.isArray(holder) ? holder[Number(index)] : holder[index];
    if (typeof old === 'string' && old.startsWith(mark)) continue;
    const put = (content: string) => {
      texts.push(content);
      if (Array.isArray(holder)) holder[Number(index)] = `${mark}${texts.length - 1}${mark}`;
      else holder[index] = `${mark}${texts.length - 1}${mark}`;
    };
    const before = JSON.stringify(old ?? null);
    if (how === 'replace') put(value);
    else if (Array.isArray(holder)) put(how === 'remove' ? 'null' : `${before},${value}`);
    else if (how === 'beside') put(`${before},${JSON.stringify(name)}:${value}`);
    else if (how === 'twice') put(`${before},${JSON.stringify(index)}:${value}`);
    else delete holder[index];
  }
  // What was put in one value may hold the mark of another, put there before it.
  let result = JSON.stringify(root);
  for (let round = 0; round < 4 && result.includes(`"${mark}`); round++)
    result = result.replace(marked, (_, index: string) => texts[Number(index)] ?? 'null');
  return result;
}

const mark = '@#@';
const marked = /"@#@(\d+)@#@"/g;

type Place =
  | { readonly holder: Json[]; readonly index: string }
  | { readonly holder: Record<string, Json>; readonly index: string };

function placesIn(value: Json): Place[] {
  if (Array.isArray(value))
    return value.flatMap((each, index): Place[] => [{ holder: value, index: String(index) }, ...placesIn(each)]);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([index, each]): Place[] => [{ holder: value, index }, ...placesIn(each)]);
}

import fc, { type Arbitrary } from 'fast-check';
import { stringify } from 'yaml';
import { wire } from '../request.ts';
import { deep, jsonText, mutate, mutation } from './json.ts';
import { type Kind, validObject } from './kinds.ts';
import { protobufBody } from './protobuf.ts';
import { key, of, text } from './texts.ts';

export interface Body {
  readonly contentType: string;
  readonly body: string;
}

/** Bytes that are no UTF-8, put somewhere in a text. */
const spoiled = (body: Arbitrary<string>): Arbitrary<string> =>
  fc.oneof(
    { weight: 12, arbitrary: body },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          body,
          fc.nat({ max: 2000 }),
          of('\xff', '\xc0\x80', '\xed\xa0\x80', '\0', '\xf4\x90\x80\x80', '\xef\xbb\xbf', '\xfe\xff'),
        )
        .map(
          ([content, at, bytes]) =>
            content.slice(0, at % (content.length + 1)) + bytes + content.slice(at % (content.length + 1)),
        ),
    },
    { weight: 1, arbitrary: fc.tuple(body, fc.nat({ max: 3000 })).map(([content, at]) => content.slice(0, at)) },
  );

const objectText = (kind: Kind): Arbitrary<string> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(fc.boolean(), fc.array(mutation, { maxLength: 3 }))
        .map(([full, mutations]) => mutate(validObject(kind, full), mutations)),
    },
    { weight: 1, arbitrary: jsonText },
    { weight: 1, arbitrary: deep },
  );

/** Aliases that grow, and what else only YAML has. */
const yamlOddities = of(
  'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n',
  '&a a: *a\n',
  'a: &a\n  b: *a\n',
  'a: &a {x: 1}\n<<: *a\n',
  'a: &a [1]\n<<: *a\n',
  '<<: 1\n',
  '<<: [{a: 1}, {a: 2}]\n',
  '? [a, b]\n: c\n',
  '? {a: 1}\n: c\n',
  '? a\n',
  '1: a\ntrue: b\nnull: c\n~: d\n1.5: e\n',
  'a: !!binary x\n',
  'a: !!js/function x\n',
  'a: !!python/object x\n',
  'a: !x y\n',
  'a: 2001-01-01\nb: 12:30:45\nc: 0o17\nd: 017\ne: .inf\nf: .nan\ng: -.INF\nh: 0b11\n',
  '--- a\n--- b\n',
  '---\n...\n---\n',
  '%YAML 9.9\n---\na: 1\n',
  '%TAG ! x\n---\na: 1\n',
  'a: |\n  x\n y\n',
  '\ta: 1\n',
  'a:\n\t- b\n',
  '- a\n- b\n',
  'a: "\\x"\n',
  'a: *missing\n',
  '{',
  '[[[[[',
  'a: [1,\n',
  '#',
  '',
  '__proto__: {a: 1}\nconstructor: {prototype: {a: 1}}\n',
  'a: 1\na: 2\n',
  `a: ${'- '.repeat(2000)}x\n`,
  `${'- '.repeat(20_000)}x\n`,
  `${'? '.repeat(3000)}x\n`,
  Array.from({ length: 1500 }, (_, at) => `${' '.repeat(at)}a:\n`).join(''),
  `a: &x ${'['.repeat(500)}${']'.repeat(500)}\nb: [${'*x,'.repeat(300)}]\n`,
  `a: ${'&a '.repeat(10)}x\n`,
  `${'&a'.repeat(1)} ${'!!str '.repeat(50)}x\n`,
  `a: "${'\\u0000'.repeat(2000)}"\n`,
);

const yamlText = (kind: Kind): Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: objectText(kind) },
    { weight: 3, arbitrary: fc.boolean().map((full) => stringify(validObject(kind, full))) },
    { weight: 3, arbitrary: yamlOddities },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.boolean(), yamlOddities)
        .map(([full, odd]) => `${stringify(validObject(kind, full))}${odd}`),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.boolean(),
          fc.nat({ max: 500 }),
          of('&a ', '*a', '!!x ', '? ', ': ', '- ', '|', '>', '\t', '{', ']', '#', '"', '%', '@', '`', '\n', '---\n'),
        )
        .map(([full, at, odd]) => {
          const body = stringify(validObject(kind, full));
          return body.slice(0, at) + odd + body.slice(at);
        }),
    },
    { weight: 1, arbitrary: text },
  );

/** A body of a create or update, under a content type that fits, mostly. */
export const objectBody = (kind: Kind): Arbitrary<Body> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: spoiled(objectText(kind).map(wire)).map((body) => ({ contentType: 'application/json', body })),
    },
    {
      weight: 3,
      arbitrary: spoiled(yamlText(kind).map(wire)).map((body) => ({ contentType: 'application/yaml', body })),
    },
    {
      weight: 4,
      arbitrary: protobufBody(kind).map((body) => ({ contentType: 'application/vnd.kubernetes.protobuf', body })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          objectText(kind).map(wire),
          of(
            '',
            'text/plain',
            'application/json; charset=utf-8',
            'application/json;;',
            'application/vnd.kubernetes.protobuf',
            'multipart/form-data; boundary=x',
            'application/x-www-form-urlencoded',
          ),
        )
        .map(([body, contentType]) => ({ contentType, body })),
    },
    {
      weight: 1,
      arbitrary: of(3_145_727, 3_145_729, 4_000_000).map((size) => ({
        contentType: 'application/json',
        body: `{"data":"${'x'.repeat(size - 11)}"}`,
      })),
    },
  );

const pointer = fc
  .array(fc.oneof(key, of('0', '-', '1', '-1', '00', '1e0', '~0', '~1', '~2', '99999999999999999999')), {
    maxLength: 5,
  })
  .map((parts) => parts.map((each) => `/${each}`).join(''));
const operation = fc
  .tuple(
    of('add', 'remove', 'replace', 'move', 'copy', 'test', 'x', ''),
    fc.oneof({ weight: 5, arbitrary: pointer }, { weight: 1, arbitrary: text }),
    pointer,
    fc.option(jsonText, { nil: undefined }),
  )
  .map(
    ([op, path, from, value]) =>
      `{"op":${JSON.stringify(op)},"path":${JSON.stringify(path)},"from":${JSON.stringify(from)}${value === undefined ? '' : `,"value":${value}`}}`,
  );
const jsonPatch: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.array(operation, { maxLength: 5 }).map((all) => `[${all.join(',')}]`) },
  { weight: 1, arbitrary: jsonText.map((each) => `[${each}]`) },
  { weight: 1, arbitrary: jsonText },
  {
    weight: 1,
    arbitrary: of(9_999, 10_001).map(
      (count) => `[${Array.from({ length: count }, () => '{"op":"test","path":"/kind","value":"x"}').join(',')}]`,
    ),
  },
  // Doubles with every step.
  {
    weight: 1,
    arbitrary: of(5, 20, 40).map(
      (count) =>
        `[{"op":"add","path":"/metadata/annotations","value":{"a":{"b":"x"}}},${Array.from({ length: count }, (_, at) => `{"op":"copy","from":"/metadata/annotations/a","path":"/metadata/annotations/a/c${at}"}`).join(',')}]`,
    ),
  },
);

/** Directives of a strategic merge patch where they belong, and where not. */
const directive = fc
  .tuple(
    of(
      '$patch',
      '$retainKeys',
      '$setElementOrder/containers',
      '$setElementOrder/finalizers',
      '$setElementOrder/ports',
      '$deleteFromPrimitiveList/finalizers',
      '$deleteFromPrimitiveList/x',
      '$setElementOrder/',
      '$x',
    ),
    fc.oneof(
      of(
        '"delete"',
        '"replace"',
        '"merge"',
        '"x"',
        '["a"]',
        '[{"name":"c"}]',
        '[{}]',
        '[null]',
        '[1]',
        'null',
        '{}',
        '"a"',
      ),
      jsonText,
    ),
  )
  .map(([name, value]) => `${JSON.stringify(name)}:${value}`);
const strategic = (kind: Kind): Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: mergePatch(kind) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(objectText(kind), fc.array(fc.tuple(directive, fc.nat({ max: 12 })), { minLength: 1, maxLength: 3 }))
        .map(([object, directives]) =>
          directives.reduce((body, [each, skip]) => {
            let at = -1;
            for (
              let found = body.indexOf('{'), count = 0;
              found >= 0 && count <= skip;
              found = body.indexOf('{', found + 1), count++
            )
              at = found;
            const comma = body[at + 1] === '}' ? '' : ',';
            return at < 0 ? body : `${body.slice(0, at + 1)}${each}${comma}${body.slice(at + 1)}`;
          }, object),
        ),
    },
  );
const mergePatch = (kind: Kind): Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: objectText(kind) }, { weight: 2, arbitrary: jsonText });

/** A patch of any type. */
export const patchBody = (kind: Kind): Arbitrary<Body> => {
  const typed = (contentType: string, body: Arbitrary<string>) =>
    spoiled(body.map(wire)).map((each) => ({ contentType, body: each }));
  return fc.oneof(
    { weight: 3, arbitrary: typed('application/json-patch+json', jsonPatch) },
    { weight: 3, arbitrary: typed('application/merge-patch+json', mergePatch(kind)) },
    { weight: 3, arbitrary: typed('application/strategic-merge-patch+json', strategic(kind)) },
    { weight: 4, arbitrary: typed('application/apply-patch+yaml', yamlText(kind)) },
    { weight: 1, arbitrary: typed('application/apply-patch+cbor', jsonText) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(jsonText.map(wire), of('', 'application/json', 'application/json-patch+json;x', 'x'))
        .map(([body, contentType]) => ({ contentType, body })),
    },
  );
};

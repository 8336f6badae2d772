import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { SizeEstimate } from '../contract.ts';
import { CelEnvironment } from '../environment.ts';
import { mutationStruct } from '../mutation-types.ts';
import { standardLibrary } from '../standard/standard-library.ts';
import { bytesType, dynType, intType, listType, mapType, stringType } from '../standard-types.ts';
import { CelArray } from '../value.ts';
import { answerText, expectedText } from './answer-text.test-data.ts';
import { authorizerType, type CelAuthorize, CelAuthorizer, resourceCheckType } from './authorizer.ts';
import { EntryMap } from './entry-map.ts';
import { jsonPatchLibrary } from './json-patch-library.ts';
import { kubernetesLibraries } from './kubernetes-libraries.ts';

/** What Kubernetes v1.35's own environment says to an expression: `conformance/cel` asked it. */
const Answer = z.strictObject({
  e: z.string(),
  issues: z.string().optional(),
  type: z.string().optional(),
  static: z.tuple([z.string(), z.string()]).optional(),
  value: z.string().optional(),
  error: z.string().optional(),
  actual: z.string().optional(),
});

const sizes: Readonly<Record<string, number>> = {
  s: 20,
  t: 7,
  long: 100_000,
  ls: 10,
  'ls.@items': 20,
  lt: 3,
  'lt.@items': 9,
  li: 10,
  lj: 4,
  ld: 10,
  lu: 5,
  b: 30,
  m: 6,
  'm.@keys': 8,
  'm.@values': 11,
};

const authorize: CelAuthorize = ({
  user,
  verb,
  group,
  version,
  resource,
  subresource,
  namespace,
  name,
  path,
  ...asked
}) => {
  const fields = (asked.fieldSelector ?? []).map(({ field, operator, value }) => `{${operator} ${field} ${value}}`);
  const where = `g=${group ?? ''} v=${version ?? ''} r=${resource ?? ''} sub=${subresource ?? ''} ns=${namespace ?? ''} n=${name ?? ''}`;
  const reason = `${user.name} ${verb} ${where} path=${path ?? ''} is=${path === undefined} f=[${fields.join(' ')}]`;
  const labels = (asked.labelSelector ?? []).map(({ key }) => key).join(' ');
  const groups = user.groups.length > 0 ? ` ${user.groups.join(',')}` : '';
  return {
    allowed: verb === 'get',
    reason: `${reason} l=${labels}${groups}`,
    ...(verb === 'err' && { error: 'no connection' }),
  };
};

/** The real reason without what only Go's types show: errors of selectors, and conditions of labels but their keys. */
const comparableReason = (text: string): string =>
  text
    .replace(/(f=\[.*?\]) .*? l=/i, (_, fields: string) => `${fields} l=`)
    .replace(/ (?:\\u003cnil\\u003e|found '=', expected: ',' or 'end of string')/g, '')
    .replace(/l=app=x, w, y in \(a,b\), !z/, 'l=app w y z')
    .replace(/l=x\\u003e5/, 'l=x')
    .replace(/l=e=f/, 'l=e');

function activation() {
  const authorizer = new CelAuthorizer({ name: 'jane', groups: [] }, authorize);
  const nested = [
    ['x', 1n],
    ['s', 'text'],
    ['l', new CelArray([1n, 2n])],
  ] as const;
  return {
    s: 'hello world',
    t: 'o',
    long: 'ab'.repeat(500),
    u: 'unsized',
    b: new TextEncoder().encode('bytes'),
    i: 3n,
    ls: new CelArray(['b', 'a', 'c']),
    lt: new CelArray(['a']),
    li: new CelArray([3n, 1n, 2n]),
    lj: new CelArray([1n]),
    ld: new CelArray([1n, 'x', 2.5]),
    lu: new CelArray(['p', 'q']),
    m: EntryMap.of([['k', 'v']]),
    d: EntryMap.of(nested),
    authorizer,
    'authorizer.requestResource': authorizer.resource({
      group: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace: 'shop',
      name: 'web',
    }),
  };
}

const strings = listType(stringType);
const environment = new CelEnvironment({
  resolveStruct: mutationStruct,
  libraries: [standardLibrary, ...kubernetesLibraries(), jsonPatchLibrary],
  variables: {
    s: stringType,
    t: stringType,
    long: stringType,
    u: stringType,
    b: bytesType,
    i: intType,
    ls: strings,
    lt: strings,
    li: listType(intType),
    lj: listType(intType),
    ld: listType(dynType),
    lu: strings,
    m: mapType(stringType, stringType),
    d: dynType,
    authorizer: authorizerType,
    'authorizer.requestResource': resourceCheckType,
  },
  sizeByPath: (path): SizeEstimate | undefined => {
    const max = sizes[path.join('.')];
    return max === undefined ? undefined : { min: 0, max };
  },
});

/** As near as numbers come to each other beyond what they hold exactly. */
const isNear = (mine: number, theirs: string): boolean =>
  mine === Number(theirs) || (mine > 2 ** 53 && Math.abs(mine / Number(theirs) - 1) < 1e-12);

/** Names of the wire, where types are shown as messages name them. */
const typeText = (text: string): string =>
  text
    .replaceAll('google.protobuf.Duration', 'duration')
    .replaceAll('google.protobuf.Timestamp', 'timestamp')
    .replaceAll('null_type', 'null');

function differences(line: string): string | undefined {
  const real = Answer.parse(JSON.parse(line));
  const wrong: string[] = [];
  const same = (what: string, mine: string, theirs: string) => {
    if (mine !== theirs) wrong.push(`${what}: ${mine} instead of ${theirs}`);
  };
  const compiled = environment.compile(real.e);
  if (compiled.failure) {
    const theirs = real.issues ?? (real.error?.startsWith('program: ') ? real.error.slice('program: '.length) : '');
    same('refused', compiled.message, theirs);
    return wrong[0];
  }
  if (real.issues !== undefined) return `taken, instead of ${real.issues}`;
  same('type', compiled.type.toString(), typeText(real.type ?? ''));
  const [min = '', max = ''] = real.static ?? [];
  if (!isNear(compiled.cost.min, min) || !isNear(compiled.cost.max, max)) {
    wrong.push(`static cost: ${compiled.cost.min}..${compiled.cost.max} instead of ${min}..${max}`);
  }
  const result = compiled.program.evaluate(activation());
  const mine = result.error === undefined ? answerText(result.value) : `error ${result.error}`;
  const theirs = real.error === undefined ? comparableReason(expectedText(real.value ?? '')) : `error ${real.error}`;
  same('value', mine, theirs);
  // What a failing expression has cost until then nobody sees.
  if (result.error === undefined) same('cost', String(result.cost), real.actual ?? '');
  return wrong.length > 0 ? wrong.join('; ') : undefined;
}

/** Answers of the real server that are not taken over, and why. */
const otherwise: Readonly<Record<string, string>> = {
  'dyn("x").distinct()': 'Kubernetes tells of an internal error',
  'dyn("x").flatten()': 'Kubernetes writes the types of this function in another form than of all others',
  'dyn("abc").flatten()': 'the same',
  'dyn({}).sort()': 'Kubernetes leaves out the types where several overloads have as many arguments',
  '"abc".findAll("a", dyn("x"))': 'the same',
  'dyn(quantity("1")) + 1': 'Kubernetes names the operator where the left side has none',
  'dyn(quantity("1")) < dyn(quantity("2"))': 'the same',
  'ip("::1") != ip("::1")': 'costs 1 more in Kubernetes, by the bytes of an address',
  'has(d.?x.y)': 'costs 1 less in Kubernetes, which does not count what is looked up for a test',
  'cidr("::/0").containsIP(dyn("::1"))': 'costs 1 less in Kubernetes, which forgets the argument',
};

const folder = fileURLToPath(new URL('answers/', import.meta.url));

describe('Kubernetes libraries of CEL answer as the real server', () => {
  it.each(readdirSync(folder).map((name) => name.replace('.test-data.jsonl', '')))('%s', (name) => {
    const lines = readFileSync(`${folder}${name}.test-data.jsonl`, 'utf8').trim().split('\n');
    const wrong = lines.flatMap((line) => {
      const difference = differences(line);
      const { e } = Answer.parse(JSON.parse(line));
      return difference === undefined || Object.hasOwn(otherwise, e) ? [] : [`${e} ${difference}`];
    });
    expect(wrong).toEqual([]);
  });
});

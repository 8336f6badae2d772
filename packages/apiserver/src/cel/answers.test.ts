import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { JSONSchemaProps } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { declareSchema, schemaValue, sizesOf } from './adapters/index.ts';
import { CelEnvironment } from './environment.ts';
import { answerText, expectedText } from './library/answer-text.test-data.ts';
import { kubernetesLibraries } from './library/kubernetes-libraries.ts';
import { standardLibrary } from './standard/standard-library.ts';
import { optionalType } from './standard-types.ts';
import { CelOptional, type CelValue } from './value.ts';

/** What Kubernetes v1.35's own environment says to an expression: `conformance/cel/ask.mjs` asked it. */
const Answer = z.strictObject({
  e: z.string(),
  issues: z.string().optional(),
  type: z.string().optional(),
  static: z.tuple([z.string(), z.string()]).optional(),
  value: z.string().optional(),
  error: z.string().optional(),
  actual: z.string().optional(),
});

/** Answers that are not taken over, and why. */
const otherwise: Readonly<Record<string, string>> = {
  '{dyn([]): 1}': 'a list can be no key here',
  "dyn({'a':1})[dyn([1])]": 'Kubernetes names a type of Go',
  '[1,2][dyn(null)]': 'the same',
  'google.protobuf.Any': 'Kubernetes declares the name and then has no value of it',
  'google.protobuf.Int64Value': 'the same',
  'google.protobuf.Value': 'the same',
  'google.protobuf.Struct': 'the same',
  'google.protobuf.ListValue': 'the same',
  "has(optional.of({'a':1}).b)": 'costs 1 less in Kubernetes, which does not count what is looked up for a test',
  '[a b, c]': 'Kubernetes tells of a second mistake',
  'dyn(self.obj).map(k, k)': 'in Kubernetes an object without a schema gives null for each field that its schema lacks',
  'dyn(self.pres3).map(k, k)': 'the same',
  'dyn(self.li) == dyn(1)': 'an error in Kubernetes, where no other lists have one',
  'dyn(self.m) == dyn([1])': 'the same of maps',
  "dyn(self.set) == dyn('a')": 'the same',
  "dyn(self.lm) == dyn('a')": 'the same',
  '[dyn(self.m)] == [dyn(1)]': 'Kubernetes takes that error for true',
  '[dyn(self.li)] == [dyn(1)]': 'the same',
  'self.dt': 'the zone is kept, as string() shows, but this test writes moments in UTC',
  "duration('1us')": 'written by this test as parts of a millisecond',
  "duration('1µs')": 'the same',
};
const libraries = [standardLibrary, ...kubernetesLibraries()];
const folder = fileURLToPath(new URL('answers/', import.meta.url));
const Subject = z.object({
  schema: z.custom<JSONSchemaProps>((value) => typeof value === 'object'),
  self: z.unknown(),
});

interface Setting {
  readonly environment: CelEnvironment;
  readonly activation: Readonly<Record<string, CelValue>>;
}

function settingOf(name: string): Setting {
  const file = `${folder}${name}.json`;
  if (!existsSync(file)) return { environment: new CelEnvironment({ libraries }), activation: {} };
  const { schema, self } = Subject.parse(JSON.parse(readFileSync(file, 'utf8')));
  const declaration = declareSchema(schema, 'selfType');
  if (!declaration) throw new Error(`${name}: no type`);
  const environment = new CelEnvironment({
    libraries,
    variables: { self: declaration.type, oldSelf: optionalType(declaration.type) },
    sizeByPath: sizesOf(declaration),
  });
  return { environment, activation: { self: schemaValue(self, schema), oldSelf: CelOptional.none } };
}

/** As near as numbers come to each other beyond what they hold exactly. */
const isNear = (mine: number, theirs: string): boolean =>
  mine === Number(theirs) || (mine > 2 ** 52 && Math.abs(mine / Number(theirs) - 1) < 1e-9);

/** Names of the wire, where types are shown as messages name them. */
const typeText = (text: string): string =>
  text
    .replaceAll('google.protobuf.Duration', 'duration')
    .replaceAll('google.protobuf.Timestamp', 'timestamp')
    .replaceAll('null_type', 'null')
    .replaceAll('google.protobuf.Any', 'any');

function differences(line: string, { environment, activation }: Setting): readonly string[] {
  const real = Answer.parse(JSON.parse(line));
  const compiled = environment.compile(real.e);
  if (compiled.failure) {
    const theirs = real.issues ?? (real.error?.startsWith('program: ') ? real.error.slice('program: '.length) : '');
    return compiled.message === theirs ? [] : [`${compiled.message} instead of ${theirs}`];
  }
  if (real.issues !== undefined) return [`taken, instead of ${real.issues}`];
  const wrong: string[] = [];
  if (compiled.type.toString() !== typeText(real.type ?? '')) wrong.push(`type ${compiled.type}`);
  const [min = '', max = ''] = real.static ?? [];
  if (!isNear(compiled.cost.min, min) || !isNear(compiled.cost.max, max)) {
    wrong.push(`static cost: ${compiled.cost.min}..${compiled.cost.max} instead of ${min}..${max}`);
  }
  const result = compiled.program.evaluate(activation);
  const mine = result.error === undefined ? answerText(result.value) : `error ${result.error}`;
  const theirs = real.error === undefined ? expectedText(real.value ?? '') : `error ${real.error}`;
  if (mine !== theirs) wrong.push(`${mine} instead of ${theirs}`);
  // What a failing expression has cost until then nobody sees.
  if (result.error === undefined && String(result.cost) !== real.actual)
    wrong.push(`cost ${result.cost}, ${real.actual}`);
  return wrong;
}

describe('CEL answers as the real server', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  it.each(names.map((name) => name.replace('.test-data.jsonl', '')))('%s', (name) => {
    const setting = settingOf(name);
    const lines = readFileSync(`${folder}${name}.test-data.jsonl`, 'utf8').trim().split('\n');
    const wrong = lines.flatMap((line) => {
      const { e } = Answer.parse(JSON.parse(line));
      const found = differences(line, setting);
      if (found.length === 0 || Object.hasOwn(otherwise, e)) return [];
      return [`${e}: ${found.join('; ')}`];
    });
    expect(wrong).toEqual([]);
  });
});

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectCompatible } from '../testing/index.ts';
import { breakingChanges, defineResource, defineVersions, mapList, setList, withRules } from './index.ts';

const of = (spec: z.ZodObject, more: object = {}) =>
  defineResource({ group: 'example.com', version: 'v1', kind: 'Thing', spec, ...more });
const changes = (before: z.ZodRawShape, after: z.ZodRawShape) =>
  breakingChanges(of(z.object(before)).crd, of(z.object(after)).crd).map(
    ({ path, change, breaks }) => `${path} ${change} ${breaks}`,
  );
const text = z.string();
const named = z.object({ name: text, other: text });
const rule = (each: string, more: object = {}) => ({ a: withRules(z.int(), { rule: each, ...more }) });

describe('breakingChanges', () => {
  it.each<[string, z.ZodRawShape, z.ZodRawShape, string]>([
    ['a field that goes', { a: text, b: text }, { a: text }, 'v1: spec.b removed objects'],
    [
      'a field in a list that goes',
      { a: named.array() },
      { a: z.object({ name: text }).array() },
      'v1: spec.a[].other removed objects',
    ],
    ['another type', { a: text }, { a: z.int() }, 'v1: spec.a type objects'],
    ['a narrower number', { a: z.number() }, { a: z.int() }, 'v1: spec.a type objects'],
    ['a type for what had none', { a: z.unknown() }, { a: text }, 'v1: spec.a type objects'],
    ['null no longer', { a: text.nullable() }, { a: text }, 'v1: spec.a nullable objects'],
    ['a new required field', { a: text }, { a: text, b: text }, 'v1: spec.b required objects'],
    ['a field that was optional', { a: text.optional(), b: text }, { a: text, b: text }, 'v1: spec.a required objects'],
    ['fewer values', { a: z.enum(['x', 'y']) }, { a: z.enum(['x']) }, 'v1: spec.a enum objects'],
    ['values for any text', { a: text }, { a: z.enum(['x']) }, 'v1: spec.a enum objects'],
    ['a higher least', { a: z.int().min(1) }, { a: z.int().min(2) }, 'v1: spec.a minimum objects'],
    ['an exclusive least', { a: z.number().min(1) }, { a: z.number().gt(1) }, 'v1: spec.a minimum objects'],
    ['a lower most', { a: z.int().max(9) }, { a: z.int().max(8) }, 'v1: spec.a maximum objects'],
    ['a first most', { a: z.int() }, { a: z.int().max(8) }, 'v1: spec.a maximum objects'],
    ['other multiples', { a: z.int().multipleOf(4) }, { a: z.int().multipleOf(3) }, 'v1: spec.a multipleOf objects'],
    ['longer texts', { a: text }, { a: text.min(1) }, 'v1: spec.a minLength objects'],
    ['shorter lists', { a: text.array().max(9) }, { a: text.array().max(8) }, 'v1: spec.a maxItems objects'],
    ['a pattern', { a: text }, { a: text.regex(/^x/) }, 'v1: spec.a pattern objects'],
    ['a format', { a: text }, { a: z.url() }, 'v1: spec.a format objects'],
    ['a list of all different', { a: text.array() }, { a: setList(text) }, 'v1: spec.a x-kubernetes-list-type objects'],
    [
      'other keys',
      { a: mapList(named, 'name') },
      { a: mapList(named, 'other') },
      'v1: spec.a x-kubernetes-list-type objects',
    ],
    [
      'a list that merges no longer',
      { a: setList(text) },
      { a: text.array() },
      'v1: spec.a x-kubernetes-list-type clients',
    ],
    ['another default', { a: z.int().default(1) }, { a: z.int().default(2) }, 'v1: spec.a default clients'],
    ['no default', { a: z.int().default(1) }, { a: z.int().optional() }, 'v1: spec.a default clients'],
    ['a rule', { a: z.int() }, rule('self > 0'), 'v1: spec.a x-kubernetes-validations objects'],
    ['a rule about changes', { a: z.int() }, rule('self > oldSelf'), 'v1: spec.a x-kubernetes-validations clients'],
    [
      'a rule that lets what is be',
      { a: z.int() },
      rule('self > 0 || oldSelf.hasValue()', { optionalOldSelf: true }),
      'v1: spec.a x-kubernetes-validations clients',
    ],
    [
      'a map that becomes an object',
      { a: z.record(text, text) },
      { a: z.object({ x: text.optional() }) },
      'v1: spec.a[*] removed objects',
    ],
    ['unknown fields that go', { a: z.looseObject({}) }, { a: z.object({}) }, 'v1: spec.a[*] removed objects'],
    [
      'a type for an unknown field',
      { a: z.looseObject({}) },
      { a: z.looseObject({ x: text.optional() }) },
      'v1: spec.a.x type objects',
    ],
  ])('finds %s', (_, before, after, found) => {
    expect(changes(before, after)).toEqual([found]);
  });

  it.each<[string, z.ZodRawShape, z.ZodRawShape]>([
    ['nothing', { a: text }, { a: text }],
    ['a new field', { a: text }, { a: text, b: text.optional() }],
    ['a new field with a default', { a: text }, { a: text, b: text.default('x') }],
    ['a required field with a default', { a: text.optional() }, { a: text.default('x') }],
    ['wider bounds', { a: z.int().min(2).max(3), b: text.max(3) }, { a: z.int().min(1).max(4), b: text.max(4) }],
    ['wider types', { a: z.int(), b: text }, { a: z.number(), b: z.union([text, z.int()]) }],
    ['more values', { a: z.enum(['x']) }, { a: z.enum(['x', 'y']) }],
    ['any values', { a: z.enum(['x']) }, { a: text }],
    ['null', { a: text }, { a: text.nullable() }],
    [
      'no rule, pattern or format',
      { ...rule('self > 0'), b: text.regex(/x/), c: z.url() },
      { a: z.int(), b: text, c: text },
    ],
    ['a rule in other words', rule('self > 0', { message: 'a' }), rule('self > 0', { message: 'b' })],
    ['finer multiples', { a: z.int().multipleOf(4) }, { a: z.int().multipleOf(2) }],
    ['a description', { a: text }, { a: text.describe('for people') }],
    ['an object that becomes a map of the same', { a: z.object({ x: text }) }, { a: z.record(text, text) }],
  ])('lets %s be', (_, before, after) => {
    expect(changes(before, after)).toEqual([]);
  });

  it('finds what concerns the definition as a whole', () => {
    const spec = z.object({ a: text.default('x') });
    const found = (before: object, after: object) =>
      breakingChanges(of(spec, before).crd, of(spec, after).crd).map(({ path, change, breaks }) => [
        path,
        change,
        breaks,
      ]);
    const status = z.object({ ready: z.int() });
    const scale = { specReplicasPath: '.spec.a', statusReplicasPath: '.status.ready' };
    expect(found({}, { scope: 'Cluster' })).toEqual([['scope', 'names', 'objects']]);
    expect(found({ plural: 'thingies' }, {})).toEqual([['names.plural', 'names', 'objects']]);
    expect(found({ shortNames: ['th'] }, {})).toEqual([['names', 'names', 'clients']]);
    expect(found({ version: 'v1beta1' }, {})).toEqual([['v1beta1', 'removed', 'objects']]);
    expect(found({ status, scale }, { status })).toEqual([['v1: scale', 'subresource', 'clients']]);
    expect(found({ selectableFields: ['.spec.a'] }, {})).toEqual([['v1: spec.a', 'selectableFields', 'clients']]);
    expect(found({ status }, {}).map(([path, change]) => `${path} ${change}`)).toEqual([
      'v1: status removed',
      'v1: status subresource',
    ]);
    expect(found({}, { status, scale, shortNames: ['th'] })).toEqual([]);
  });

  it('finds what concerns several versions', () => {
    const two = (more: { storage?: 'v1' | 'v2'; v1?: { served: boolean } } = {}) =>
      defineVersions({
        group: 'example.com',
        kind: 'Thing',
        hub: 'v2',
        ...(more.storage && { storage: more.storage }),
        versions: { v1: { spec: z.object({ a: text }), ...more.v1 }, v2: { spec: z.object({ b: text }) } },
        conversions: {
          v1: { toHub: ({ spec }) => ({ spec: { b: spec.a } }), fromHub: ({ spec }) => ({ spec: { a: spec.b } }) },
        },
      }).v2.crd;
    const only = defineResource({
      group: 'example.com',
      version: 'v2',
      kind: 'Thing',
      spec: z.object({ b: text }),
    }).crd;
    const found = (before: typeof only, after: typeof only) =>
      breakingChanges(before, after).map(({ path, change, breaks }) => [path, change, breaks]);
    expect(found(two(), two())).toEqual([]);
    expect(found(two(), two({ v1: { served: false } }))).toEqual([['v1', 'served', 'clients']]);
    expect(found(two(), only)).toEqual([['v1', 'removed', 'clients']]);
    expect(found(two({ v1: { served: false } }), only)).toEqual([]);
    expect(found(two({ storage: 'v1' }), only)).toEqual([['v1', 'removed', 'objects']]);
    expect(found(only, two())).toEqual([]);
    expect(found(two({ storage: 'v1' }), two())).toEqual([['v2', 'storage', 'objects']]);
    const converted = (crd: typeof only) => ({ ...crd, spec: { ...crd.spec, conversion: { strategy: 'Webhook' } } });
    expect(found(converted(two({ storage: 'v1' })), converted(two()))).toEqual([]);
    expect(found(converted(two()), two())).toEqual([['conversion', 'conversion', 'objects']]);
  });
});

describe('expectCompatible', () => {
  let dir: string | undefined;
  afterEach(async () => dir && rm(dir, { recursive: true }));
  const file = async () => {
    dir = await mkdtemp(join(tmpdir(), 'compatible-'));
    return join(dir, 'deep', 'thing.crd.json');
  };
  const [v1, wider, narrower] = [{ a: text }, { a: text, b: text.optional() }, { a: text.max(3) }].map((each) =>
    of(z.object(each)),
  );

  it('writes the file the first time, again for what is compatible, and tells what is not', async () => {
    const at = await file();
    if (!v1 || !wider || !narrower) throw new Error('three');
    await expectCompatible(v1, at, { update: 'compatible' });
    expect(JSON.parse(await readFile(at, 'utf8'))).toMatchObject({ metadata: { name: 'things.example.com' } });
    await expectCompatible(v1, at, { update: 'none' });
    await expect(expectCompatible(wider, at, { update: 'none' })).rejects.toThrow('is older than things.example.com');
    await expectCompatible(wider, at, { update: 'compatible' });
    const error = await expectCompatible(narrower, at, { update: 'compatible' }).catch((each: unknown) => String(each));
    expect(error).toContain('v1: spec.b (removed, breaks objects): what is stored in it is lost');
    expect(error).toContain('v1: spec.a (maxLength, breaks objects): it was not bounded and is 3');
    await expectCompatible(narrower, at, { update: 'compatible', accept: () => true });
    await expectCompatible(v1, at, { update: 'all' });
  });

  it('is missed where nobody may write it', async () => {
    if (!v1) throw new Error('one');
    await expect(expectCompatible(v1, await file(), { update: 'none' })).rejects.toThrow('is missing');
  });
});

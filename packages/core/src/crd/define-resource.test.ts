import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { defineResource, type ResourceObject } from './index.ts';

const spec = (shape: z.ZodRawShape) =>
  defineResource({ group: 'example.com', version: 'v1', kind: 'Thing', spec: z.object(shape) });
const schemaOf = (shape: z.ZodRawShape) =>
  spec(shape).crd.spec.versions[0]?.schema?.openAPIV3Schema?.properties?.['spec']?.properties;

describe('defineResource', () => {
  const Website = defineResource({
    group: 'example.com',
    version: 'v1',
    kind: 'Website',
    shortNames: ['web'],
    spec: z.object({ page: z.string(), replicas: z.int().min(0).max(50).default(2) }),
    status: z.object({ url: z.string() }),
    printerColumns: [{ name: 'URL', jsonPath: '.status.url' }],
  });
  type Website = ResourceObject<typeof Website>;

  it('is a resource type with a definition', () => {
    const { crd, ...type } = Website;
    expect(type).toEqual({
      group: 'example.com',
      version: 'v1',
      kind: 'Website',
      plural: 'websites',
      namespaced: true,
      status: true,
    });
    expect(crd).toEqual({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'websites.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: {
          kind: 'Website',
          listKind: 'WebsiteList',
          plural: 'websites',
          singular: 'website',
          shortNames: ['web'],
        },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            subresources: { status: {} },
            additionalPrinterColumns: [
              { name: 'URL', jsonPath: '.status.url', type: 'string' },
              { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
            ],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                required: ['spec'],
                properties: {
                  apiVersion: { type: 'string' },
                  kind: { type: 'string' },
                  metadata: { type: 'object' },
                  spec: {
                    type: 'object',
                    required: ['page'],
                    properties: {
                      page: { type: 'string' },
                      replicas: { type: 'integer', format: 'int64', minimum: 0, maximum: 50, default: 2 },
                    },
                  },
                  status: { type: 'object', properties: { url: { type: 'string' } } },
                },
              },
            },
          },
        ],
      },
    });
  });

  it('is the type of its objects', () => {
    expectTypeOf<Website['spec']>().toEqualTypeOf<{ readonly page: string; readonly replicas: number }>();
    expectTypeOf<NonNullable<Website['status']>>().toEqualTypeOf<{ readonly url?: string | undefined }>();
  });

  it('says what zod says in the words of a structural schema', () => {
    expect(
      schemaOf({
        nullable: z.string().nullable(),
        intOrString: z.union([z.int(), z.string()]),
        choice: z.enum(['a', 'b']).default('a'),
        literals: z.union([z.literal('x'), z.literal('y')]),
        int32: z.int32(),
        port: z.int().gt(0).lt(65_536),
        ratio: z.number().positive(),
        name: z
          .string()
          .min(1)
          .max(63)
          .regex(/^[a-z]+$/),
        mail: z.email(),
        when: z.iso.datetime(),
        labels: z.record(z.string(), z.string()),
        list: z
          .array(z.object({ name: z.string() }))
          .min(1)
          .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
        anything: z.unknown(),
        loose: z.looseObject({ known: z.string() }),
        nested: z.object({ deep: z.boolean().default(true) }).prefault({}),
        ruled: z
          .object({ min: z.int(), max: z.int() })
          .meta({ 'x-kubernetes-validations': [{ rule: 'self.min <= self.max' }] }),
        described: z.string().describe('for people').optional(),
      }),
    ).toMatchObject({
      nullable: { type: 'string', nullable: true },
      intOrString: { 'x-kubernetes-int-or-string': true },
      choice: { type: 'string', enum: ['a', 'b'], default: 'a' },
      literals: { type: 'string', enum: ['x', 'y'] },
      int32: { type: 'integer', format: 'int32' },
      port: { type: 'integer', minimum: 0, exclusiveMinimum: true, maximum: 65_536, exclusiveMaximum: true },
      ratio: { type: 'number', minimum: 0, exclusiveMinimum: true },
      name: { type: 'string', minLength: 1, maxLength: 63, pattern: '^[a-z]+$' },
      mail: { type: 'string', format: 'email' },
      when: { type: 'string', format: 'date-time' },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
      list: { type: 'array', minItems: 1, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
      anything: { 'x-kubernetes-preserve-unknown-fields': true },
      loose: {
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
        properties: { known: { type: 'string' } },
      },
      nested: { type: 'object', default: {}, properties: { deep: { type: 'boolean', default: true } } },
      ruled: { 'x-kubernetes-validations': [{ rule: 'self.min <= self.max' }] },
      described: { type: 'string', description: 'for people' },
    });
  });

  it('says bounds with fractions in CEL, as the server reads a part of them only', () => {
    expect(schemaOf({ a: z.number().min(0.5).lt(99.5), b: z.number().multipleOf(0.25).optional() })).toEqual({
      a: {
        type: 'number',
        minimum: 0,
        maximum: 100,
        'x-kubernetes-validations': [
          { rule: 'self >= 0.5', message: 'should be greater than or equal to 0.5' },
          { rule: 'self < 99.5', message: 'should be less than 99.5' },
        ],
      },
      b: {
        type: 'number',
        'x-kubernetes-validations': [
          { rule: 'self / 0.25 == double(int(self / 0.25))', message: 'should be a multiple of 0.25' },
        ],
      },
    });
  });

  it('lets the whole spec be left out where nothing in it is required', () => {
    const schema = spec({ size: z.int().default(1) }).crd.spec.versions[0]?.schema?.openAPIV3Schema;
    expect(schema?.required).toBeUndefined();
    expect(schema?.properties?.['spec']?.default).toEqual({});
  });

  it.each([
    ['a transform', { a: z.string().transform(Number) }, 'Thing: spec.a: the server cannot transform values'],
    ['trimming', { a: z.string().trim() }, 'Thing: spec.a: the server cannot transform values'],
    ['coercion', { a: z.coerce.number() }, 'Thing: spec.a: the server cannot coerce values'],
    [
      'a refinement',
      { a: z.object({ b: z.string().refine((each) => each !== 'x') }) },
      'Thing: spec.a.b: the server cannot run code',
    ],
    [
      'a refined object',
      { a: z.array(z.object({}).refine(() => true)) },
      'Thing: spec.a[]: the server cannot run code',
    ],
    [
      'a union of objects',
      { a: z.union([z.object({ x: z.string() }), z.object({ y: z.string() })]) },
      'Thing: spec.a: a union has no structural schema',
    ],
    [
      'a map with other keys',
      { a: z.record(z.enum(['x', 'y']), z.string()) },
      'Thing: spec.a: the keys of a map are any strings',
    ],
    ['a tuple', { a: z.tuple([z.string()]) }, 'Thing: spec.a: a list with a type for each place'],
    ['an intersection', { a: z.string().and(z.string()) }, 'Thing: spec.a: an intersection has no structural schema'],
    ['a date', { a: z.record(z.string(), z.date()) }, 'Thing: spec.a[*]: there are no dates in JSON'],
    ['a big integer', { a: z.bigint() }, 'Thing: spec.a: there are no big integers in JSON'],
    [
      'look-around',
      { a: z.string().regex(/^(?!x)/) },
      "Thing: spec.a: the API server's regular expressions know no look-around",
    ],
    ['an enum that may be null', { a: z.enum(['x']).nullable() }, 'Thing: spec.a: the server refuses null for an enum'],
    ['flags', { a: z.string().regex(/^x/i) }, 'Thing: spec.a: the flags of the regular expression /^x/i'],
  ])('refuses %s, with its path', (_, shape, message) => {
    expect(() => spec(shape)).toThrow(message);
  });

  it('refuses names that the API would refuse', () => {
    const base = { group: 'example.com', version: 'v1', kind: 'Thing', spec: z.object({}) };
    expect(() => defineResource({ ...base, kind: 'thing' })).toThrow('kind "thing" must be CamelCase');
    expect(() => defineResource({ ...base, group: 'example' })).toThrow('group "example" must be a domain name');
    expect(() => defineResource({ ...base, version: 'V1' })).toThrow('version "V1"');
    expect(defineResource({ ...base, kind: 'Policy', scope: 'Cluster' })).toMatchObject({
      plural: 'policies',
      namespaced: false,
    });
    expect(defineResource({ ...base, kind: 'Class' }).plural).toBe('classes');
  });
});

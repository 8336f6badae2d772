import { breakingChanges, type CustomResourceDefinition, isJsonObject, type JSONSchemaProps } from '@keelson/core';
import { valuesOf } from '@keelson/core/testing/generators';
import fc, { type Arbitrary } from 'fast-check';
import { expect, it } from 'vitest';
import { FieldErrors } from '../registry/strategy.ts';
import { checkVersionSchema } from './check-version-schema.ts';
import { decodeCustom, fittedTo, withDefaults } from './custom-decoder.ts';
import { validateListTypes } from './list-types.ts';
import { validateSchema } from './schema-validation.ts';

/** Bounds are small, so that values come near them. */
const small = fc.integer({ min: -4, max: 4 });
const count = fc.integer({ min: 0, max: 3 });
const some = <T>(value: Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const names = ['a', 'b', 'c'] as const;

const bounded = (type: 'integer' | 'number'): Arbitrary<JSONSchemaProps> =>
  fc.record({
    type: fc.constant(type),
    minimum: some(type === 'integer' ? small : fc.constantFrom(-2.5, -1, 0, 0.5, 1)),
    maximum: some(type === 'integer' ? small.map((each) => each + 12) : fc.constantFrom(4, 4.5, 9)),
    exclusiveMinimum: some(fc.constant(true)),
    exclusiveMaximum: some(fc.constant(true)),
    multipleOf: some(fc.constantFrom(1, 2, 3)),
    nullable: some(fc.constant(true)),
  });

const { schema: anySchema } = fc.letrec<{ schema: JSONSchemaProps; object: JSONSchemaProps }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    bounded('integer'),
    bounded('number'),
    fc.record({ type: fc.constant('boolean'), nullable: some(fc.constant(true)) }),
    fc.record({
      type: fc.constant('string'),
      minLength: some(count),
      maxLength: some(count.map((each) => each + 3)),
      pattern: some(fc.constantFrom('^[a-z]*$', '^[ab]*$')),
      nullable: some(fc.constant(true)),
    }),
    fc.record({ type: fc.constant('string'), enum: fc.subarray(['x', 'y', 'z'], { minLength: 1 }) }),
    fc.constant({ 'x-kubernetes-int-or-string': true }),
    fc.constant({ 'x-kubernetes-preserve-unknown-fields': true }),
    fc.record({
      type: fc.constant('array'),
      items: tie('schema'),
      minItems: some(count),
      maxItems: some(count.map((each) => each + 3)),
      nullable: some(fc.constant(true)),
    }),
    fc.record({
      type: fc.constant('array'),
      items: fc.constant({ type: 'string', maxLength: 3 }),
      'x-kubernetes-list-type': some(fc.constantFrom('set', 'atomic')),
    }),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('schema'), maxProperties: some(count) }),
    tie('object'),
  ),
  object: fc
    .record({
      type: fc.constant('object'),
      properties: fc.dictionary(fc.constantFrom(...names), tie('schema'), { noNullPrototype: true }),
      required: fc.subarray([...names]),
      'x-kubernetes-preserve-unknown-fields': some(fc.constant(true)),
    })
    .map(({ required, ...rest }) => ({
      ...rest,
      required: required.filter((each) => Object.hasOwn(rest.properties, each)),
    })),
}));

/** What a JSON reader would see: nothing that is undefined. */
const plain = (schema: JSONSchemaProps): JSONSchemaProps => {
  const read: unknown = JSON.parse(JSON.stringify(schema));
  return isJsonObject(read) ? read : {};
};

/** The schema with something changed somewhere: narrower, wider, or another. */
function changed(schema: JSONSchemaProps): Arbitrary<JSONSchemaProps> {
  const ways: Arbitrary<JSONSchemaProps>[] = [anySchema, anySchema.map((other) => ({ ...other, ...schema }))];
  for (const key of [
    'minimum',
    'maximum',
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'maxProperties',
  ] as const) {
    const now = schema[key];
    ways.push(
      small.map((by) => ({
        ...schema,
        [key]: Math.max((now ?? 2) + by, key.startsWith('m') && key.length > 7 ? 0 : -9),
      })),
    );
    if (now !== undefined) ways.push(fc.constant({ ...schema, [key]: undefined }));
  }
  ways.push(fc.constant({ ...schema, nullable: !schema.nullable || undefined }));
  if (schema.type === 'array') ways.push(fc.constant({ ...schema, 'x-kubernetes-list-type': 'set' }));
  if (schema.enum)
    ways.push(fc.constant({ ...schema, enum: schema.enum.slice(1) }), fc.constant({ ...schema, enum: ['x', 'w'] }));
  const { items, properties, additionalProperties, required = [] } = schema;
  if (isJsonObject(items)) ways.push(changed(items).map((each) => ({ ...schema, items: each })));
  if (isJsonObject(additionalProperties)) {
    ways.push(changed(additionalProperties).map((each) => ({ ...schema, additionalProperties: each })));
    ways.push(fc.constant({ type: 'object', properties: { a: additionalProperties } }));
  }
  if (properties) {
    for (const [name, each] of Object.entries(properties)) {
      ways.push(changed(each).map((next) => ({ ...schema, properties: { ...properties, [name]: next } })));
      const { [name]: _, ...others } = properties;
      ways.push(fc.constant({ ...schema, properties: others, required: required.filter((other) => other !== name) }));
      ways.push(fc.constant({ ...schema, required: [...new Set([...required, name])] }));
      ways.push(
        fc.constant({ ...schema, properties: { ...properties, [name]: { ...each, default: defaultOf(each) } } }),
      );
    }
    ways.push(
      anySchema.map((next) => ({ ...schema, properties: { ...properties, d: next }, required: [...required, 'd'] })),
    );
    ways.push(fc.constant({ ...schema, 'x-kubernetes-preserve-unknown-fields': undefined }));
  }
  return fc.oneof(...ways);
}

const defaultOf = ({ type, enum: values }: JSONSchemaProps): unknown =>
  values ? values[0] : { integer: 1, number: 1, string: 'ab', boolean: true, array: [], object: {} }[type ?? 'integer'];

const rootOf = (spec: JSONSchemaProps): JSONSchemaProps => ({ type: 'object', properties: { spec } });
const definition = (spec: JSONSchemaProps): CustomResourceDefinition => ({
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: rootOf(spec) } }],
  },
});

function errorsOf(check: (errors: FieldErrors) => void): readonly string[] {
  const errors = new FieldErrors();
  check(errors);
  return errors.list.map(({ field, message }) => `${field}: ${message}`);
}

const isTaken = (schema: JSONSchemaProps) =>
  errorsOf((errors) => checkVersionSchema(rootOf(schema), '', true, errors)).length === 0;
const wrongs = (value: unknown, schema: JSONSchemaProps) =>
  errorsOf((errors) => {
    validateSchema(value, schema, '', errors);
    validateListTypes(value, schema, '', errors);
  });

/** Whether everything that was there is still there. */
function holds(now: unknown, was: unknown): boolean {
  if (Array.isArray(was)) return Array.isArray(now) && was.every((each, at) => holds(now[at], each));
  if (!isJsonObject(was)) return now === was;
  return isJsonObject(now) && Object.entries(was).every(([key, each]) => holds(now[key], each));
}

it('finds every change that makes a stored object invalid, or takes something from it', () => {
  const schemas = anySchema.map(plain).filter(isTaken);
  const cases = schemas.chain((before) =>
    fc.record({
      before: fc.constant(before),
      after: changed(before).map(plain).filter(isTaken),
      spec: valuesOf(before, ''),
    }),
  );
  let broken = 0;
  const property = fc.property(cases, ({ before, after, spec }) => {
    const [was, is] = [rootOf(before), rootOf(after)];
    const stored = decodeCustom({ spec }, was).rest;
    expect(wrongs(stored, was)).toEqual([]);
    const read = withDefaults(fittedTo(stored, is), is);
    const wrong = wrongs(read, is);
    if (wrong.length === 0 && holds(read, stored)) return;
    broken++;
    const found = breakingChanges(definition(before), definition(after)).filter(({ breaks }) => breaks === 'objects');
    if (found.length === 0)
      throw new Error(`not found: ${wrong.join('; ')}\n${JSON.stringify({ before, after, stored, read })}`);
  });
  const runs = Number(process.env['KEELSON_TEST_RUNS'] ?? 800);
  fc.assert(property, { numRuns: runs });
  expect(broken).toBeGreaterThan(runs / 20);
}, 180_000);

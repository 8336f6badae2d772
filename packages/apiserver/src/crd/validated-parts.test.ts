import type { JSONSchemaProps } from '@keelson/core';
import { expect, it } from 'vitest';
import { FieldErrors } from '../registry/strategy.ts';
import { validateSchema } from './schema-validation.ts';

const either = (kind: 'anyOf' | 'oneOf', ...each: readonly JSONSchemaProps[]): JSONSchemaProps => ({
  [kind]: [...each],
});
const a = { required: ['a'] };
const long = { minLength: 2 };
const tooShort = 'x.b: Invalid value: "2": x.b in body should be at least 2 chars long';
const none = '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid';
const nothing = '<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)';

// What a real kube-apiserver v1.35.4 says.
it.each<[JSONSchemaProps, unknown, readonly string[]]>([
  [either('oneOf', a, { required: ['b'], properties: { b: long } }), {}, [none, 'x.a: Required value']],
  [either('oneOf', a, { required: ['b'], properties: { b: long } }), { b: '2' }, [none, tooShort]],
  [
    either('anyOf', a, { properties: { b: long } }, { properties: { b: { ...long, pattern: '^z' } } }),
    { b: '2' },
    [nothing, tooShort],
  ],
  [
    either('anyOf', { minLength: 3 }, { pattern: '^zz' }, { enum: ['q'] }, { format: 'ipv4' }),
    'a',
    [nothing, 'x: Invalid value: "a": x in body must be of type ipv4: "a"'],
  ],
  [
    either('anyOf', { minItems: 3 }, { items: { minLength: 3 } }),
    ['aaa', 'b'],
    [nothing, 'x[1]: Invalid value: "b": x[1] in body should be at least 3 chars long'],
  ],
  [
    either('oneOf', { minimum: 5 }, { multipleOf: 7 }, { enum: [100] }),
    1,
    [none, 'x: Invalid value: 1: x in body should be greater than or equal to 5'],
  ],
  [
    { allOf: [{ minimum: 5 }, { multipleOf: 7 }] },
    1,
    [
      'x: Invalid value: 1: x in body should be greater than or equal to 5',
      'x: Invalid value: 1: x in body should be a multiple of 7',
      '<nil>: Invalid value: "": "x" must validate all the schemas (allOf). None validated',
    ],
  ],
  [
    { type: 'object', required: ['q'], properties: { q: { type: 'boolean' } } },
    { q: null },
    ['x.q: Invalid value: "null": x.q in body must be of type boolean: "null"'],
  ],
  [
    { type: 'string', format: 'nothing' },
    5,
    ['x: Invalid value: "integer": x in body must be of type string: "integer"'],
  ],
])('%j says of %j', (schema, value, expected) => {
  const errors = new FieldErrors();
  validateSchema(value, schema, 'x', errors);
  expect(errors.list.map(({ field, message }) => `${field}: ${message}`)).toEqual(expected);
});

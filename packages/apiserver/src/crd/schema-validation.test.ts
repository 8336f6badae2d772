import type { JSONSchemaProps } from '@keelson/core';
import { expect, it } from 'vitest';
import { FieldErrors } from '../registry/strategy.ts';
import { validateSchema } from './schema-validation.ts';

const number = (more: JSONSchemaProps): JSONSchemaProps => ({ type: 'number', ...more });
const letter: JSONSchemaProps = { type: 'string', nullable: true, enum: ['a'] };

/** As Kubernetes v1.35 answers. */
it.each<[JSONSchemaProps, unknown, string | undefined]>([
  [number({ minimum: 1.5 }), 1, undefined],
  [number({ minimum: 1.5 }), 0, 'Invalid value: 0: x in body should be greater than or equal to 1'],
  [number({ minimum: 1.5 }), 1.25, 'Invalid value: 1.25: x in body should be greater than or equal to 1.5'],
  [number({ minimum: 1.5, exclusiveMinimum: true }), 1, 'Invalid value: 1: x in body should be greater than 1'],
  [number({ minimum: 1.5, exclusiveMinimum: true }), 2, undefined],
  [number({ maximum: -1.5 }), -1, undefined],
  [number({ maximum: -1.5 }), 0, 'Invalid value: 0: x in body should be less than or equal to -1'],
  [number({ multipleOf: 1.5 }), 2, undefined],
  [number({ multipleOf: 1.5 }), 3.5, 'Invalid value: 3.5: x in body should be a multiple of 1.5'],
  [number({ multipleOf: 0.5 }), 1, 'Invalid value: 0: factor MultipleOf declared for x must be positive: 0'],
  [number({ multipleOf: 0.5 }), 1.5, undefined],
  [letter, null, 'Unsupported value: null: supported values: "a"'],
  [{ ...letter, enum: ['a', null] }, null, 'Unsupported value: null: supported values: "a", "null"'],
])('%j holds for %j or says why not', (schema, value, message) => {
  const errors = new FieldErrors();
  validateSchema(value, schema, 'x', errors);
  expect(errors.list.map((each) => each.message)).toEqual(message === undefined ? [] : [message]);
});

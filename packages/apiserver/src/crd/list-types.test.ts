import type { JSONSchemaProps } from '@keelson/core';
import { expect, it } from 'vitest';
import { FieldErrors } from '../registry/strategy.ts';
import { validateListTypes } from './list-types.ts';

const string = { type: 'string' };
const ports: JSONSchemaProps = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  items: {
    type: 'object',
    properties: { name: string, sub: { type: 'array', 'x-kubernetes-list-type': 'set', items: string } },
  },
};
const a = { name: 'a' };
const noObject = (at: number, shown: string) =>
  `[${at}]: Invalid value: ${shown}: must be an object for an array of list-type map`;

// What a real kube-apiserver v1.35.4 says besides the types.
it.each<[readonly unknown[], readonly string[]]>([
  [[[]], [noObject(0, '[]')]],
  [['a'], [noObject(0, '"a"')]],
  [[1.5], [noObject(0, '1.5')]],
  [[[1, {}]], [noObject(0, '[1,{}]')]],
  [[a, [], 'x'], [noObject(1, '[]')]],
  [[a, a, 7], [noObject(2, '7')]],
  [
    [{ ...a, sub: ['x', 'x'] }, 'b'],
    [noObject(1, '"b"'), '[0].sub[1]: Duplicate value: "x"'],
  ],
  [[a, a], ['[1]: Duplicate value: {"name":"a"}']],
  [[null], []],
  [[null, null], ['[1]: Duplicate value: {}']],
  [[null, a, a], ['[2]: Duplicate value: {"name":"a"}']],
  [[null, 'x'], [noObject(1, '"x"')]],
])('of %j', (value, expected) => {
  const errors = new FieldErrors();
  validateListTypes(value, ports, '', errors);
  expect(errors.list.map(({ field, message }) => `${field}: ${message}`)).toEqual(expected);
});

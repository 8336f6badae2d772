import type { CustomResourceDefinition, JsonObject } from '@keelson/core';
import type { ObjectForm } from '@keelson/core/admission';
import { expect, it } from 'vitest';
import { customKinds } from '../crd/custom-kind.ts';
import { mergeConfiguration } from './merge-configuration.ts';

const string = { type: 'string' };
const properties = {
  replicas: { type: 'integer' },
  word: string,
  list: {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: { type: 'object', required: ['name'], properties: { name: string } },
  },
  map: { type: 'object', additionalProperties: string },
};
const openAPIV3Schema = { type: 'object', properties: { spec: { type: 'object', properties } } };
const group = 'merged.example.com';
const definition: CustomResourceDefinition = {
  metadata: { name: `things.${group}` },
  spec: {
    group,
    scope: 'Cluster',
    names: { plural: 'things', kind: 'Thing' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
  },
};
const [thing] = customKinds(definition, undefined);
const merge = mergeConfiguration({ kind: () => thing });
const type = { apiVersion: `${group}/v1`, kind: 'Thing' };
const form: ObjectForm = {
  kind: { group, version: 'v1', kind: 'Thing' },
  resource: { group, version: 'v1', resource: 'things' },
  show: (object) => object,
  read: () => {
    throw new Error('nothing is to be read');
  },
};
const over = (live: JsonObject) => merge(form, { ...type, ...live }, { ...type, metadata: { labels: { m: 'x' } } });

// What a real kube-apiserver v1.35.4 says once another mutation has made an object of these.
it.each<[JsonObject, string]>([
  [{ spec: { replicas: 'x' } }, '.spec.replicas: expected numeric (int or float), got string'],
  [{ spec: { word: 5 } }, '.spec.word: expected string, got &value.valueUnstructured{Value:5}'],
  [{ spec: { list: 'x' } }, '.spec.list: expected list, got &{x}'],
  [
    { spec: { list: [{ x: 'y' }] } },
    `.spec.list: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn't have default values for any key fields)`,
  ],
  [{ spec: { list: ['x'] } }, '.spec.list: element 0: associative list with keys may not have non-map elements'],
  [{ spec: { map: ['x'] } }, '.spec.map: expected map, got &{[x]}'],
  [{ spec: { nothing: 'x' } }, '.spec.nothing: field not declared in schema'],
  [{ spec: 'x' }, '.spec: expected map, got &{x}'],
  [{ metadata: { labels: ['x'] } }, '.metadata.labels: expected map, got &{[x]}'],
  [{ metadata: { nothing: 'x' } }, '.metadata.nothing: field not declared in schema'],
])('says of %j what it is not', (live, why) => {
  expect(() => over(live)).toThrow(`failed to convert original object to typed object: ${why}`);
});

it('takes elements that stand there twice, and numbers of any kind', () => {
  const spec = { list: [{ name: 'x' }, { name: 'x' }], replicas: 1.5 };
  expect(over({ spec })).toEqual({ ...type, metadata: { labels: { m: 'x' } }, spec });
});

import { expect, it } from 'vitest';
import { decodeCustom } from './custom-decoder.ts';

const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true };
const resource = { ...embedded, properties: { spec: { type: 'object', properties: { a: { type: 'integer' } } } } };
const openAPIV3Schema = { type: 'object', properties: { spec: { type: 'object', properties: { resource } } } };

// The order of a real kube-apiserver v1.35.4.
it('names what is unknown in metadata, then by the schema, then in the metadata of embedded resources', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', foo: 1 }, spec: { a: 1, b: 2 } };
  const body = { metadata: { name: 'x', zoo: 1 }, also: 1, spec: { resource: pod, y: 1 } };
  expect(decodeCustom(body, openAPIV3Schema).unknown).toEqual([
    'unknown field "metadata.zoo"',
    'unknown field "also"',
    'unknown field "spec.resource.spec.b"',
    'unknown field "spec.y"',
    'unknown field "spec.resource.metadata.foo"',
  ]);
});

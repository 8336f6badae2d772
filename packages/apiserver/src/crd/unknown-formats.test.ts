import type { CustomResourceDefinition, JSONSchemaProps } from '@keelson/core';
import { expect, it } from 'vitest';
import { unknownFormatWarnings } from './unknown-formats.ts';

const definition = (properties: Readonly<Record<string, JSONSchemaProps>>): CustomResourceDefinition => ({
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Cluster',
    names: { plural: 'things', kind: 'Thing' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } },
    ],
  },
});
const text = (format: string): JSONSchemaProps => ({ type: 'string', format });

// What a real kube-apiserver v1.35.4 warns of.
it('names each unknown format of texts once, when it comes', () => {
  const first = definition({
    a: text('odd'),
    b: text('odd'),
    c: text('twice'),
    d: text('date'),
    e: text('int32'),
    f: { type: 'integer', format: 'weird' },
    g: { type: 'array', items: text('inner') },
    h: { type: 'object', additionalProperties: text('password') },
  });
  expect(unknownFormatWarnings(first, undefined)).toEqual([
    'unrecognized format "inner"',
    'unrecognized format "int32"',
    'unrecognized format "odd"',
    'unrecognized format "twice"',
  ]);
  expect(unknownFormatWarnings(first, first)).toEqual([]);
  expect(unknownFormatWarnings(definition({ a: text('odd'), n: text('new') }), first)).toEqual([
    'unrecognized format "new"',
  ]);
});

import type { CustomResourceDefinition } from '@keelson/core';
import { FakeClock } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { customKinds } from '../crd/custom-kind.ts';
import { KindCatalog } from './catalog.ts';
import { ObjectForms } from './object-forms.ts';

const group = 'forms.example.com';
const properties = {
  word: { type: 'string' },
  none: { type: 'string', nullable: true },
  d: { type: 'string', default: 'd' },
};
const openAPIV3Schema = { type: 'object', properties };
const definition: CustomResourceDefinition = {
  metadata: { name: `things.${group}` },
  spec: {
    group,
    scope: 'Cluster',
    names: { plural: 'things', kind: 'Thing' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
  },
};

// A real kube-apiserver v1.35.4 refuses the word that a mutation has made null.
it('leaves nulls that admission made to validation, but for those that have a default', async () => {
  const [kind] = customKinds(definition, undefined);
  if (!kind) throw new Error('there is one version');
  const catalog = new KindCatalog([]);
  catalog.setCustom('things', [kind]);
  const request = { verb: 'create', group, version: 'v1', resource: 'things' } as const;
  const [form] = new ObjectForms(catalog, new FakeClock()).of({ kind, request });
  const shown = { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 'x' }, word: null, none: null, d: null };
  expect(await form?.read(shown)).toMatchObject({ word: null, none: null, d: 'd' });
});

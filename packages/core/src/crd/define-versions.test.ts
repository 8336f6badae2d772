import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineResource, defineVersions } from './index.ts';

const text = z.object({ text: z.string(), size: z.int().default(1) });
const Page = defineVersions({
  group: 'example.com',
  kind: 'Page',
  hub: 'v1',
  versions: {
    v1: { spec: z.object({ page: text }), status: z.object({ url: z.string() }) },
    v1beta1: { spec: z.object({ text: z.string(), size: z.int() }), status: z.object({ link: z.string() }) },
    v1alpha1: { spec: z.object({ text: z.string() }), deprecated: 'example.com/v1alpha1 goes with 2.0', served: false },
  },
  conversions: {
    v1beta1: {
      toHub: ({ spec, status }) => ({ spec: { page: spec }, status: status?.link ? { url: status.link } : undefined }),
      fromHub: ({ spec, status }) => ({ spec: spec.page, status: status && { link: status.url } }),
    },
    v1alpha1: {
      toHub: ({ spec, metadata }) => ({
        spec: { page: { text: spec.text, size: Number(metadata.annotations?.['size'] ?? 1) } },
        status: undefined,
      }),
      fromHub: ({ spec, metadata }) => ({
        spec: { text: spec.page.text },
        metadata: { annotations: { ...metadata.annotations, size: String(spec.page.size) } },
      }),
    },
  },
});
const metadata = { name: 'x', uid: '1', labels: { a: 'b' } };

describe('defineVersions', () => {
  it('is one resource type for each version, of one definition', () => {
    expect(Object.keys(Page)).toEqual(['v1', 'v1beta1', 'v1alpha1']);
    expect(Page.v1beta1).toMatchObject({ group: 'example.com', version: 'v1beta1', kind: 'Page', status: true });
    expect(Page.v1alpha1.status).toBeUndefined();
    expect(Page.v1.crd).toBe(Page.v1alpha1.crd);
    expect(Page.v1.crd.spec.versions.map(({ name, served, storage }) => [name, served, storage])).toEqual([
      ['v1', true, true],
      ['v1beta1', true, false],
      ['v1alpha1', false, false],
    ]);
    expect(Page.v1.crd.spec.versions[2]).toMatchObject({
      deprecated: true,
      deprecationWarning: 'example.com/v1alpha1 goes with 2.0',
    });
    expect(Page.v1.crd.spec.conversion).toBeUndefined();
  });

  it('converts by way of the hub, with metadata kept but for what is said', () => {
    const beta = { apiVersion: 'example.com/v1beta1', kind: 'Page', metadata, spec: { text: 'hi', size: 3 } };
    const convert = Page.v1.conversion?.convert;
    expect(convert?.({ ...beta, status: { link: 'l' } }, 'example.com/v1')).toEqual({
      ...{ apiVersion: 'example.com/v1', kind: 'Page', metadata },
      spec: { page: { text: 'hi', size: 3 } },
      status: { url: 'l' },
    });
    const alpha = convert?.(beta, 'example.com/v1alpha1');
    expect(alpha).toEqual({
      ...{ apiVersion: 'example.com/v1alpha1', kind: 'Page' },
      metadata: { ...metadata, annotations: { size: '3' } },
      spec: { text: 'hi' },
    });
    expect(convert?.(alpha ?? {}, 'example.com/v1beta1')).toMatchObject({ spec: beta.spec });
    expect(convert?.(beta, beta.apiVersion)).toBe(beta);
  });

  it('says whose a version is not', () => {
    const convert = Page.v1.conversion?.convert;
    const page = { apiVersion: 'example.com/v1', kind: 'Page', metadata, spec: {} };
    expect(() => convert?.(page, 'example.com/v2')).toThrow('example.com/v2 is no version of Page.example.com');
    expect(() => convert?.({ ...page, apiVersion: 'v1' }, 'example.com/v1')).toThrow('v1 is no version of Page');
    expect(() => convert?.({ ...page, kind: 'Book' }, 'example.com/v1')).toThrow('Book is not Page.example.com');
  });

  it('names the version in errors', () => {
    const spec = z.object({ a: z.string().transform(Number) });
    const versions = { v1: { spec: z.object({}) }, v2: { spec } };
    const conversions = { v1: { toHub: () => ({ spec: { a: 1 } }), fromHub: () => ({ spec: {} }) } };
    expect(() => defineVersions({ group: 'a.b', kind: 'T', hub: 'v2', versions, conversions })).toThrow(
      'T: v2: spec.a: the server cannot transform values',
    );
    const both = { v1: { spec: z.object({}) }, v2: { spec: z.object({}) } };
    const none: object = {};
    expect(() =>
      // @ts-expect-error there is nothing between v1 and v2
      defineVersions({ group: 'a.b', kind: 'T', hub: 'v1', versions: both, conversions: none }),
    ).toThrow('T: no conversion between v1 and v2');
  });
});

it('says all that a version can say', () => {
  const { crd } = defineResource({
    group: 'example.com',
    version: 'v1',
    kind: 'Thing',
    singular: 'thingy',
    spec: z.object({ colour: z.string() }),
    rules: [{ rule: 'self.metadata.name != self.spec.colour', fieldPath: '.spec.colour' }],
    selectableFields: ['.spec.colour'],
    deprecated: true,
  });
  expect(crd.spec.names.singular).toBe('thingy');
  expect(crd.spec.versions[0]).toMatchObject({
    deprecated: true,
    selectableFields: [{ jsonPath: '.spec.colour' }],
    schema: {
      openAPIV3Schema: {
        'x-kubernetes-validations': [{ rule: 'self.metadata.name != self.spec.colour', fieldPath: '.spec.colour' }],
      },
    },
  });
});

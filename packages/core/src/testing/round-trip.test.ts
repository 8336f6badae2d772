import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineResource, defineVersions, mapList } from '../crd/index.ts';
import { expectRoundTrip, invalidObjectsOf, objectsOf, withDefaults } from './generators.ts';

const Sign = z.object({ text: z.string(), lit: z.boolean().default(false) });
/** @param keeps whether the old version notes what it cannot say */
const shops = (keeps: boolean) =>
  defineVersions({
    group: 'example.com',
    kind: 'Shop',
    hub: 'v1',
    versions: {
      v1: { spec: z.object({ sign: Sign, rows: z.int().default(1) }), status: z.object({ seen: z.string() }) },
      v1alpha1: { spec: z.object({ sign: z.string(), rows: z.int() }), status: z.object({ sign: z.string() }) },
      v1beta1: { spec: z.object({ sign: Sign, lines: z.int() }), status: z.object({ seen: z.string() }) },
    },
    conversions: {
      v1alpha1: {
        toHub: ({ spec, status, metadata: { annotations } }) => ({
          spec: { sign: { text: spec.sign, lit: annotations?.['lit'] === 'true' }, rows: spec.rows },
          status: status?.sign === undefined ? undefined : { seen: status.sign },
        }),
        fromHub: ({ spec, status, metadata: { annotations } }) => ({
          spec: { sign: spec.sign.text, rows: spec.rows },
          status: status?.seen === undefined ? undefined : { sign: status.seen },
          ...(keeps && { metadata: { annotations: { ...annotations, lit: String(spec.sign.lit) } } }),
        }),
      },
      v1beta1: {
        toHub: ({ spec, status }) => ({ spec: { sign: spec.sign, rows: spec.lines }, status }),
        fromHub: ({ spec, status }) => ({ spec: { sign: spec.sign, lines: spec.rows }, status }),
      },
    },
  });

describe('expectRoundTrip', () => {
  it('takes conversions that lose nothing', () => expectRoundTrip(shops(true)));

  it('shows the smallest object that comes back otherwise', () => {
    expect(() => expectRoundTrip(shops(false))).toThrow(
      /^Shop: the spec \{"sign":\{"text":".*","lit":true\},"rows":-?\d+\} of v1 is \{"sign":.*\} in v1alpha1, and back .*"lit":false.* \(seed -?\d+\)$/,
    );
  });

  it('says what has no versions', () => {
    const one = defineResource({ group: 'example.com', version: 'v1', kind: 'Thing', spec: z.object({}) });
    const { v1 } = shops(true);
    expect(() => expectRoundTrip({ one, v1 })).toThrow('Thing has no conversion: it is not made by defineVersions');
  });
});

describe('objectsOf', () => {
  const Thing = defineResource({
    group: 'example.com',
    version: 'v1',
    kind: 'Thing',
    scope: 'Cluster',
    spec: z.object({
      image: z.string(),
      ports: mapList(z.object({ name: z.string(), port: z.int32() }), 'name').default([]),
    }),
    status: z.object({ ready: z.int() }),
  });
  const sample = (options = {}) => fc.sample(objectsOf(Thing, options), { numRuns: 200, seed: 1 });

  it('gives what is written, with defaults set and not set', () => {
    const all = sample();
    expect(all.some(({ spec }) => spec.ports === undefined)).toBe(true);
    expect(all.some(({ spec }) => spec.ports?.length)).toBe(true);
    expect(all.every(({ metadata, kind }) => metadata.namespace === undefined && kind === 'Thing')).toBe(true);
    expect(all.some(({ metadata }) => Object.keys(metadata.labels ?? {}).length > 0)).toBe(true);
    expect(all.every((each) => each.status === undefined)).toBe(true);
    expect(sample({ status: true }).some((each) => each.status?.ready !== undefined)).toBe(true);
  });

  it('takes what is given for single places', () => {
    const given = {
      'spec.image': fc.constant('nginx'),
      'spec.ports[].port': fc.constant(80),
      'metadata.name': fc.constant('x'),
    };
    for (const { metadata, spec } of sample({ given })) {
      expect([metadata.name, spec.image]).toEqual(['x', 'nginx']);
      for (const { port } of spec.ports ?? []) expect(port).toBe(80);
    }
  });

  it('is followed by what is wrong, with its path', () => {
    const found = fc.sample(invalidObjectsOf(Thing), { numRuns: 200, seed: 1 });
    const places = new Set(found.map(({ path, broken }) => `${path.replaceAll(/\d/g, '0')} ${broken}`));
    expect([...places]).toEqual(
      expect.arrayContaining(['spec required', 'spec.image required', 'spec.image type', 'spec.ports[0].port type']),
    );
  });
});

it('puts defaults in as the server does', () => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'integer', default: 1 },
      b: { type: 'string', nullable: true, default: 'x' },
      list: { type: 'array', items: { type: 'object', properties: { c: { type: 'integer', default: 2 } } } },
      deep: { type: 'object', default: {}, properties: { d: { type: 'boolean', default: true } } },
    },
  };
  expect(withDefaults({ a: null, b: null, list: [{}, { c: 3 }] }, schema)).toEqual({
    a: 1,
    b: null,
    list: [{ c: 2 }, { c: 3 }],
    deep: { d: true },
  });
});

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { atomic, defineResource, mapList, setList, withRules } from './index.ts';

const schemaOf = (shape: z.ZodRawShape) =>
  defineResource({ group: 'example.com', version: 'v1', kind: 'Thing', spec: z.object(shape) }).crd.spec.versions[0]
    ?.schema?.openAPIV3Schema?.properties?.['spec']?.properties;

const range = z.object({ min: z.int(), max: z.int() });
const [ordered, small] = [{ rule: 'self.min <= self.max', message: 'min is above max' }, { rule: 'self.max < 100' }];

describe('withRules', () => {
  it.each([
    ['as it is', withRules(range, ordered, small)],
    ['one after the other', withRules(withRules(range, ordered), small)],
    ['made optional', withRules(range, ordered, small).optional()],
    ['made optional in between', withRules(withRules(range, ordered).optional(), small)],
    ['with a default', withRules(withRules(range, ordered).default({ min: 1, max: 2 }), small)],
    ['with a default that is parsed', withRules(withRules(range, ordered).prefault({ min: 1, max: 2 }), small)],
    ['nullable and optional', withRules(withRules(range, ordered).nullable().optional(), small).describe('a range')],
  ])('keeps rules of what is wrapped: %s', (_, schema) => {
    expect(schemaOf({ range: schema })?.['range']?.['x-kubernetes-validations']).toEqual([ordered, small]);
  });

  it('works within lists and maps, and beside their own rules', () => {
    const item = withRules(range, ordered);
    const whole = { rule: 'self.size() > 0' };
    const rules = { 'x-kubernetes-validations': [ordered] };
    expect(schemaOf({ list: withRules(item.array().max(3), whole), map: z.record(z.string(), item) })).toMatchObject({
      list: { 'x-kubernetes-validations': [whole], maxItems: 3, items: rules },
      map: { additionalProperties: rules },
    });
  });

  it('knows the fields that a rule may name', () => {
    withRules(range, { rule: 'true', fieldPath: '.min' });
    withRules(range.optional(), { rule: 'true', fieldPath: '.max' });
    // @ts-expect-error there is no such field
    withRules(range, { rule: 'true', fieldPath: '.mean' });
    // @ts-expect-error nor such a reason
    withRules(range, { rule: 'true', reason: 'Wrong' });
  });
});

describe('list types', () => {
  it('are said by helpers', () => {
    const port = z.object({ name: z.string(), port: z.int(), protocol: z.enum(['TCP', 'UDP']).default('TCP') });
    expect(
      schemaOf({
        ports: mapList(port, 'port', 'protocol').max(8).default([]),
        tags: setList(z.string()).optional(),
        args: atomic(z.array(z.string())),
        selector: atomic(z.record(z.string(), z.string())),
        point: atomic(z.object({ x: z.int() })),
      }),
    ).toMatchObject({
      ports: {
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['port', 'protocol'],
        maxItems: 8,
        default: [],
      },
      tags: { 'x-kubernetes-list-type': 'set' },
      args: { 'x-kubernetes-list-type': 'atomic' },
      selector: { 'x-kubernetes-map-type': 'atomic' },
      point: { 'x-kubernetes-map-type': 'atomic' },
    });
    // @ts-expect-error there is no such field
    mapList(port, 'protocoll');
    // @ts-expect-error keys are not lists
    mapList(z.object({ names: z.array(z.string()) }), 'names');
    // @ts-expect-error a text is atomic already
    atomic(z.string());
  });
});

import { startTestApiServer, type TestApiServer } from '@keelson/apiserver';
import {
  type Client,
  CustomResourceDefinition,
  createClient,
  defineResource,
  httpTransport,
  installCrd,
  loadKubeconfig,
  mapList,
  setList,
  systemClock,
  withRules,
} from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const range = withRules(z.object({ min: z.int().max(100), max: z.int().max(100) }), {
  rule: 'self.min <= self.max',
  message: 'min is above max',
  fieldPath: '.min',
  reason: 'FieldValueForbidden',
});
const growing = {
  rule: 'self.max >= oldSelf.max',
  messageExpression: '"max may grow, not " + (self.max > 0 ? "shrink" : "vanish")',
};
const Gauge = defineResource({
  group: 'rules.keelson.dev',
  version: 'v1',
  kind: 'Gauge',
  spec: z.object({
    range: withRules(range, growing).optional(),
    ranges: z.array(range).max(10).optional(),
    marks: mapList(z.object({ name: z.string().max(20), at: z.int() }), 'name')
      .max(10)
      .optional(),
    tags: setList(z.string().max(20)).max(10).optional(),
    colour: z.string().max(20).default('red'),
  }),
  rules: [{ rule: 'self.metadata.name != self.spec.colour', message: 'a gauge is not called as its colour' }],
  selectableFields: ['.spec.colour'],
});
const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const { signal } = new AbortController();

describe.each([['Keelson'], ...(kubeconfig ? [['Kubernetes']] : [])])('rules on %s', (which) => {
  let server: TestApiServer | undefined;
  let client: Client;
  const namespace = 'default';
  const named = (name: string) => ({ name: `${name}-${systemClock.now().toString(36)}`, namespace });
  beforeAll(async () => {
    if (which === 'Kubernetes') client = createClient(httpTransport(await loadKubeconfig(kubeconfig)));
    else {
      server = await startTestApiServer();
      client = server.client;
    }
    await installCrd(client, Gauge.crd, signal);
  });
  afterAll(async () => {
    await client.delete(CustomResourceDefinition, { name: Gauge.crd.metadata.name });
    await server?.stop();
  });

  it.each([
    [{ range: { min: 2, max: 1 } }, 'spec.range.min: Forbidden: min is above max'],
    [
      {
        ranges: [
          { min: 1, max: 1 },
          { min: 3, max: 2 },
        ],
      },
      'spec.ranges[1].min: Forbidden: min is above max',
    ],
    [
      {
        marks: [
          { name: 'a', at: 1 },
          { name: 'a', at: 2 },
        ],
      },
      'spec.marks[1]: Duplicate value: {"name":"a"}',
    ],
    [{ tags: ['a', 'b', 'a'] }, 'spec.tags[2]: Duplicate value: "a"'],
  ])('refuses %j', async (spec, message) => {
    const { colour } = { colour: 'red' };
    await expect(client.create(Gauge, { metadata: named('x'), spec: { colour, ...spec } })).rejects.toThrow(message);
  });

  it('asks those about the object, and those about changes', async () => {
    const spec = { colour: 'blue', range: { min: 1, max: 9 } };
    await expect(client.create(Gauge, { metadata: { name: 'blue', namespace }, spec })).rejects.toThrow(
      'a gauge is not called as its colour',
    );
    const ref = named('x');
    await client.create(Gauge, { metadata: ref, spec });
    await expect(client.patch(Gauge, ref, { merge: { spec: { range: { max: 8 } } } })).rejects.toThrow(
      'max may grow, not shrink',
    );
    const { items } = await client.list(Gauge, { fieldSelector: 'spec.colour=blue' });
    expect(items.map(({ metadata }) => metadata.name)).toEqual([ref.name]);
    await client.delete(Gauge, ref);
  });

  it.each([
    [
      withRules(z.object({ a: z.int() }), { rule: 'self.b > 1' }),
      /^Wrong: spec\.x: the rule "self\.b > 1": .*undefined field 'b'/,
    ],
    [
      z.array(withRules(z.string(), { rule: 'self > 1' })),
      /^Wrong: spec\.x\[\]: the rule "self > 1": .*no matching overload/,
    ],
    [
      z.record(z.string(), withRules(z.int(), { rule: '1' })),
      /^Wrong: spec\.x\[\*\]: the rule "1": .*must evaluate to a bool/,
    ],
    [
      mapList(z.object({ name: z.string().optional(), at: z.int() }), 'at').meta({
        'x-kubernetes-list-map-keys': ['name'],
      }),
      /^Wrong: spec\.x\[\]\.name \(default\): Required value/,
    ],
  ])('says where a rule that the server does not take was written (%#)', async (x, message) => {
    const wrong = defineResource({ group: 'rules.keelson.dev', version: 'v1', kind: 'Wrong', spec: z.object({ x }) });
    await expect(installCrd(client, wrong.crd, signal)).rejects.toThrow(message);
  });

  it('writes a definition that says less than before', async () => {
    const looser = defineResource({
      group: 'rules.keelson.dev',
      version: 'v1',
      kind: 'Gauge',
      spec: z.object({ colour: z.string().default('red') }),
    });
    await installCrd(client, looser.crd, signal);
    const read = () => client.get(CustomResourceDefinition, { name: looser.crd.metadata.name });
    const { spec, metadata } = await read();
    const properties = spec.versions[0]?.schema?.openAPIV3Schema?.properties?.['spec']?.properties;
    expect(Object.keys(properties ?? {})).toEqual(['colour']);
    expect(properties?.['colour']?.maxLength).toBeUndefined();
    await installCrd(client, looser.crd, signal);
    expect((await read()).metadata.generation).toBe(metadata.generation);
    await installCrd(client, Gauge.crd, signal);
  });
});

import { CustomResourceDefinition, type CustomResourceDefinitionVersion, type KubernetesObject } from '@keelson/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FieldErrors } from '../registry/strategy.ts';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';
import { validateSchema } from './schema-validation.ts';

const group = 'answers.example.com';
const things = { group, version: 'v1', kind: 'Thing', plural: 'things', namespaced: false } as const;
interface Thing extends KubernetesObject {
  readonly spec?: unknown;
}

let server: TestApiServer;
beforeAll(async () => {
  server = await startTestApiServer();
});
afterAll(() => server.stop());

const version = (name: string, more: Partial<CustomResourceDefinitionVersion>): CustomResourceDefinitionVersion => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: { openAPIV3Schema: { type: 'object' } },
  ...more,
});
const define = (plural: string, kind: string, versions: readonly CustomResourceDefinitionVersion[]) =>
  server.client.create(CustomResourceDefinition, {
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope: 'Cluster', names: { plural, kind }, versions: [...versions] },
  });
const schema = (name: string) => ({
  openAPIV3Schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties: { tier: { type: 'string' }, [name]: { type: 'string' } } } },
  },
});
const fields = [{ jsonPath: '.spec.tier' }];

// What a real kube-apiserver v1.35.4 says of all of these.
it('takes fields to select by only beside the schema that they are in', async () => {
  const name = `CustomResourceDefinition.apiextensions.k8s.io "others.${group}" is invalid: `;
  const one = version('v1', { schema: schema('a') });
  await expect(
    define('others', 'Other', [one, version('v2', { schema: schema('a'), selectableFields: fields })]),
  ).rejects.toThrow(
    `${name}spec.versions[1].selectableFields: Invalid value: "": may only be set when \`version.schema.openAPIV3Schema\` is not included`,
  );
  await expect(
    define('others', 'Other', [
      { ...one, selectableFields: fields },
      version('v2', { schema: schema('b'), selectableFields: fields }),
    ]),
  ).rejects.toThrow(
    `${name}spec.selectableFields: Invalid value: "": may only be set when validations.schema is included`,
  );
});

it('prunes what is of any kind, has no scale without replicas, and knows a number that is too large', async () => {
  const { client } = server;
  const properties = { any: { type: 'object', additionalProperties: true }, big: { type: 'integer', multipleOf: 3 } };
  const openAPIV3Schema = { type: 'object', properties: { spec: { type: 'object', properties } } };
  const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
  await define('things', 'Thing', [version('v1', { schema: { openAPIV3Schema }, subresources: { scale } })]);
  for await (const { object } of client.watch(CustomResourceDefinition)) {
    const { conditions } = object.status ?? {};
    if (conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) break;
  }
  const any = { a: { b: 1, c: { d: 2 } }, l: [{ x: 1 }, [{ y: 2 }], 3], s: 't' };
  const made = await client.create<Thing>(things, { metadata: { name: 'x' }, spec: { any } });
  expect(made.spec).toEqual({ any: { a: {}, l: [{}, [{}], 3], s: 't' } });
  const { version: v1 } = things;
  const ask = { group, version: v1, resource: 'things', name: 'x', subresource: 'scale', verb: 'get' } as const;
  await expect(server.registry.handle(ask, { name: 'admin', groups: ['system:masters'] })).rejects.toThrow(
    'Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
  );
  await expect(client.create<Thing>(things, { metadata: { name: 'y' }, spec: { big: 1e21 } })).rejects.toThrow(
    `Thing.${group} "y" is invalid: [spec.big: Invalid value: "number": spec.big in body must be of type integer: "number", spec.big: Invalid value: 1e+21: spec.big in body should be a multiple of 3]`,
  );
});

it('holds what is of a wrong type to all other rules', () => {
  const found = (schema: object, value: unknown) => {
    const errors = new FieldErrors();
    validateSchema(value, schema, 'f', errors);
    return errors.list.map(({ message }) => message);
  };
  const type = (wanted: string, got: string) =>
    `Invalid value: "${got}": f in body must be of type ${wanted}: "${got}"`;
  const either = { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] };
  const anyOf = 'Invalid value: "": "f" must validate at least one schema (anyOf)';
  const date = { type: 'string', format: 'date' };
  expect(found(either, true)).toEqual([type('integer,string', 'boolean'), anyOf, type('integer', 'boolean')]);
  expect(found({ type: 'string', enum: ['a'] }, 5)).toEqual([
    type('string', 'integer'),
    'Unsupported value: 5: supported values: "a"',
  ]);
  expect(found({ type: 'integer', maximum: 3 }, 4.5)).toEqual([
    type('integer', 'number'),
    'Invalid value: 4.5: f in body should be less than or equal to 3',
  ]);
  expect([5, 1.5, true, { a: 1 }, [1]].map((each) => found(date, each))).toEqual([
    [type('date', 'int64')],
    [type('date', 'float64')],
    [type('date', '')],
    [type('date', '')],
    [],
  ]);
});

import { CustomResourceDefinition, type KubernetesObject } from '@keelson/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';

const group = 'embedded.example.com';
const things = { group, version: 'v1', kind: 'Thing', plural: 'things', namespaced: false } as const;
const string = { type: 'string' };
const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true };

let server: TestApiServer;
beforeAll(async () => {
  server = await startTestApiServer();
  const open = { ...embedded, 'x-kubernetes-preserve-unknown-fields': true };
  const typed = { ...embedded, properties: { apiVersion: string, kind: string, metadata: { type: 'object' } } };
  const openAPIV3Schema = { type: 'object', properties: { open, typed, list: { type: 'array', items: open } } };
  await server.client.create(CustomResourceDefinition, {
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  });
  for await (const { object } of server.client.watch(CustomResourceDefinition)) {
    if (object.status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True')) break;
  }
});
afterAll(() => server.stop());

const apiVersion = `${group}/v1`;
const pod = (metadata: unknown) => ({ apiVersion: 'v1', kind: 'Pod', metadata });
const told = (answer: Promise<KubernetesObject>) =>
  answer.then(
    ({ metadata: _metadata, apiVersion: _apiVersion, kind: _kind, ...rest }) => rest,
    (error: Error) => error.message,
  );
const create = (fields: object) =>
  told(server.client.create(things, { metadata: { name: 'x' }, ...fields }, { dryRun: ['All'] }));
const apply = (fields: object) => {
  const wanted = { apiVersion, kind: 'Thing', metadata: { name: 'x' }, ...fields };
  return told(server.client.patch(things, { name: 'x' }, { apply: wanted, fieldManager: 'm' }, { dryRun: ['All'] }));
};

const unread = 'Thing in version "v1" cannot be handled as a Thing: ';
const invalid = `Thing.${group} "x" is invalid: `;
const time = 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"';

// What a real kube-apiserver v1.35.4 says.
it.each<[typeof create, object, unknown]>([
  [create, { open: pod(null) }, { open: pod({}) }],
  [create, { typed: pod(null) }, { typed: { apiVersion: 'v1', kind: 'Pod' } }],
  [apply, { open: pod(null) }, { open: pod({}) }],
  [
    apply,
    { typed: pod(null) },
    `${invalid}typed.metadata: Invalid value: "null": typed.metadata in body must be of type object: "null"`,
  ],
  [
    create,
    { open: pod([]) },
    `${unread}open.metadata: Invalid value: []: json: cannot unmarshal array into Go value of type v1.ObjectMeta`,
  ],
  [
    create,
    { list: [pod({}), pod(true)] },
    `${unread}list[1].metadata: Invalid value: true: json: cannot unmarshal bool into Go value of type v1.ObjectMeta`,
  ],
  [
    create,
    { open: pod({ labels: { b: 'x', a: 1 }, annotations: { '<z>': '&' } }) },
    `${unread}open.metadata: Invalid value: {"annotations":{"\\u003cz\\u003e":"\\u0026"},"labels":{"a":1,"b":"x"}}: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string`,
  ],
  [
    create,
    { open: pod({ creationTimestamp: 'x' }) },
    `${unread}open.metadata: Invalid value: {"creationTimestamp":"x"}: ${time}`,
  ],
  [
    apply,
    { open: pod({ creationTimestamp: 'x' }) },
    `${invalid}open.metadata: Invalid value: {"creationTimestamp":"x"}: ${time}`,
  ],
  [
    create,
    { open: pod({ managedFields: [{ operation: 'x', fieldsType: 'y', manager: 'a\u0001b' }] }) },
    `${invalid}[open.metadata.managedFields[0].operation: Invalid value: "x": must be \`Apply\` or \`Update\`, open.metadata.managedFields[0].fieldsType: Invalid value: "y": must be \`FieldsV1\`, open.metadata.managedFields[0].manager: Invalid value: "a\\x01b": invalid character U+0001 (at position 1)]`,
  ],
])('%o %j', async (ask, fields, answer) => {
  expect(await ask(fields)).toEqual(answer);
});

import { type ApiRequest, CustomResourceDefinition, type CustomResourceDefinitionVersion } from '@keelson/core';
import { filter, firstValueFrom, startWith } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';

const group = 'versions.example.com';
const admin = { name: 'admin', groups: ['system:masters'] };
const string = { type: 'string' };

let server: TestApiServer;
beforeAll(async () => {
  server = await startTestApiServer();
});
afterAll(() => server.stop());

const version = (name: string, fields: object, more: Partial<CustomResourceDefinitionVersion> = {}) => ({
  name,
  served: true,
  storage: false,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { ...fields, replicas: { type: 'integer' } } } },
    },
  },
  ...more,
});
type Version = ReturnType<typeof version>;

/** A type of these versions, which may become others; the text tells when they are served. */
async function open(plural: string, kind: string, versions: readonly Version[]) {
  const { client, registry } = server;
  const name = `${plural}.${group}`;
  const spec = { group, scope: 'Cluster' as const, names: { plural, kind } };
  const served = ({ name: of }: Version, definition: unknown) =>
    firstValueFrom(
      registry.catalog.changes$.pipe(
        startWith(undefined),
        filter(() => {
          const found = registry.catalog.kind(group, of, plural)?.stored?.definition;
          return found !== undefined && JSON.stringify(found) === JSON.stringify(definition);
        }),
      ),
    );
  const settle = async (given: readonly Version[], { spec: now }: CustomResourceDefinition) => {
    for (const each of given) if (each.served) await served(each, now);
  };
  await settle(
    versions,
    await client.create(CustomResourceDefinition, { metadata: { name }, spec: { ...spec, versions: [...versions] } }),
  );
  const ask = async (request: Partial<ApiRequest>) => {
    const answer = await registry.handle({ group, resource: plural, ...request } as ApiRequest, admin);
    if (answer.type !== 'object') throw new Error(`the answer was of type ${answer.type}`);
    return answer.value.object as Record<string, unknown> & typeof answer.value.object;
  };
  return {
    ask,
    list: (options: ApiRequest['options']) =>
      registry.handle({ group, resource: plural, version: 'v2', verb: 'list', options } as ApiRequest, admin),
    make: (of: string, called: string, fields: object) =>
      ask({
        verb: 'create',
        version: of,
        body: { apiVersion: `${group}/${of}`, kind, metadata: { name: called }, spec: fields },
        options: { fieldManager: 'one' },
      }),
    store: (storedVersions: readonly string[]) =>
      registry.handle(
        {
          verb: 'patch',
          group: 'apiextensions.k8s.io',
          version: 'v1',
          resource: 'customresourcedefinitions',
          name,
          subresource: 'status',
          patchType: 'application/merge-patch+json',
          body: { status: { storedVersions } },
        },
        admin,
      ),
    become: async (next: readonly Version[]) =>
      settle(
        next,
        await client.patch(CustomResourceDefinition, { name }, { merge: { spec: { versions: [...next] } } }),
      ),
  };
}

// What a real kube-apiserver v1.35.4 answers to all of this.
it('keeps the owners of fields in versions that are not served any more', async () => {
  const v1 = version('v1', { a: string, b: string });
  const v2 = version('v2', { a: string, b: string, c: string }, { storage: true });
  const { make, ask, become } = await open('kepts', 'Kept', [v1, v2]);
  await make('v1', 'x', { a: 'a' });
  await become([{ ...v1, served: false }, v2]);
  const change = (fieldManager: string, spec: object, type: 'apply-patch+yaml' | 'merge-patch+json') =>
    ask({
      verb: 'patch',
      version: 'v2',
      name: 'x',
      patchType: `application/${type}`,
      body: { apiVersion: `${group}/v2`, kind: 'Kept', metadata: { name: 'x' }, spec },
      options: { fieldManager },
    });
  const { metadata } = await change('two', { b: 'b' }, 'apply-patch+yaml');
  expect(metadata.managedFields?.map(({ manager, apiVersion, fieldsV1 }) => [manager, apiVersion, fieldsV1])).toEqual([
    ['two', `${group}/v2`, { 'f:spec': { 'f:b': {} } }],
    ['one', `${group}/v1`, { 'f:spec': { '.': {}, 'f:a': {} } }],
  ]);
  await expect(change('two', { c: 'c' }, 'apply-patch+yaml')).rejects.toThrow(
    `failed to prune fields: failed add back owned items: failed to convert merged object at version ${group}/v1: .spec.c: field not declared in schema`,
  );
  await expect(change('other', { c: 'c' }, 'apply-patch+yaml')).rejects.toThrow(
    'failed to convert new object: .spec.c: field not declared in schema',
  );
  expect((await change('three', { c: 'c' }, 'merge-patch+json')).metadata.managedFields).toBeUndefined();
});

it('gives an object no defaults where it is scaled', async () => {
  const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
  const v1 = version('v1', {}, { storage: true });
  const v2 = version('v2', { word: { ...string, default: 'd' } }, { subresources: { scale } });
  const { make, ask } = await open('scaleds', 'Scaled', [v1, v2]);
  await make('v1', 'x', { replicas: 1 });
  const body = { spec: { replicas: 3 } };
  const patchType = 'application/merge-patch+json';
  await ask({ verb: 'patch', version: 'v2', name: 'x', subresource: 'scale', patchType, body });
  expect((await ask({ verb: 'get', version: 'v2', name: 'x' }))['spec']).toEqual({ replicas: 3 });
});

it('cannot read what is stored in a version that has gone', async () => {
  const [v1, v2] = [version('v1', {}), version('v2', {})];
  const { make, ask, list, become, store } = await open('gones', 'Gone', [{ ...v1, storage: true }, v2]);
  await make('v1', 'a', {});
  await become([
    { ...v1, served: false },
    { ...v2, storage: true },
  ]);
  await make('v2', 'b', {});
  await store(['v2']);
  await become([{ ...v2, storage: true }]);
  const message = `request to convert CR from an invalid group/version: ${group}/v1`;
  const missing = {
    message: `storage is (re)initializing: failed to list ${group}/v2, Kind=Gone: ${message}`,
    reason: 'TooManyRequests',
    status: { details: { retryAfterSeconds: 1 } },
    code: 429,
  };
  await expect(ask({ verb: 'get', version: 'v2', name: 'a' })).rejects.toMatchObject({ message, code: 500 });
  expect((await ask({ verb: 'get', version: 'v2', name: 'b' })).metadata.name).toBe('b');
  await expect(list({})).rejects.toMatchObject(missing);
  await expect(list({ labelSelector: 'x=y' })).rejects.toMatchObject(missing);
  await expect(list({ labelSelector: 'x=y', limit: 1 })).rejects.toMatchObject(missing);
  await expect(list({ limit: 1 })).rejects.toMatchObject({ message, code: 500 });
  await expect(ask({ verb: 'delete', version: 'v2', name: 'a' })).rejects.toMatchObject({ message, code: 500 });
});

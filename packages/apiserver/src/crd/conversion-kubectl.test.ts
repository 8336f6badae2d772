import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CustomResourceDefinition, EndpointSlice, isJsonObject, Namespace, Service } from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestWebhookServer, testWebhookServer } from '../admission/webhook/webhook-server.test-data.ts';
import { advertised } from '../server/api-server.ts';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

const run = promisify(execFile);
const kubectl = process.env['KUBECTL'] ?? 'kubectl';
const present = spawnSync(kubectl, ['version', '--client']).status === 0;
if (!present && process.env['CI'] === 'true') throw new Error('kubectl is needed for these tests where CI=true');
// Endpoints of Services may not lie on loopback.
const host = advertised('0.0.0.0');

const group = 'kubectl.example.com';
const version = (name: string, field: string, storage: boolean) => ({
  name,
  served: true,
  storage,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { [field]: { type: 'string' } } } },
    },
  },
  additionalPrinterColumns: [{ name: field.toUpperCase(), type: 'string', jsonPath: `.spec.${field}` }],
});
const thing = (name: string, of: string, spec: object) =>
  JSON.stringify({ apiVersion: `${group}/${of}`, kind: 'Thing', metadata: { name }, spec });

describe.skipIf(!present || host === '127.0.0.1')('a conversion webhook behind a Service, and the real kubectl', () => {
  let hook: TestWebhookServer;
  let server: TestApiServer;
  let dir: string;
  /** What is answered besides what is right. */
  let wrong: { readonly review?: object; readonly response?: object; readonly metadata?: object } = {};

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'conversion-'));
    hook = await testWebhookServer(['hook.hooks.svc']);
    hook.handle('/convert', ({ uid, objects, desiredAPIVersion }, _reply, { apiVersion, kind }) => {
      const list = Array.isArray(objects) ? objects.filter((each) => isJsonObject(each)) : [];
      const convertedObjects = list.map((each) => {
        const { a, b, ...rest } = isJsonObject(each['spec']) ? each['spec'] : {};
        const spec = { ...rest, [String(desiredAPIVersion).endsWith('v1') ? 'a' : 'b']: a ?? b };
        const metadata = isJsonObject(each['metadata']) ? each['metadata'] : {};
        return { ...each, apiVersion: desiredAPIVersion, spec, metadata: { ...metadata, ...wrong.metadata } };
      });
      const response = { uid, result: { status: 'Success' }, convertedObjects, ...wrong.response };
      return { raw: JSON.stringify({ apiVersion, kind, response, ...wrong.review }) };
    });
    server = await startTestApiServer({ socket: true });
    await writeFile(join(dir, 'kubeconfig'), server.kubeconfig ?? '', { mode: 0o600 });
    const { client } = server;
    const metadata = { name: 'hook', namespace: 'hooks' };
    await client.create(Namespace, { metadata: { name: 'hooks' }, spec: {} });
    await client.create(Service, { metadata, spec: { ports: [{ name: 'x', port: 8443 }] } });
    await client.create(EndpointSlice, {
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'hook' } },
      addressType: 'IPv4',
      ports: [{ name: 'x', port: hook.port }],
      endpoints: [{ addresses: [host], conditions: { ready: true } }],
    });
    await client.create(CustomResourceDefinition, {
      metadata: { name: `things.${group}` },
      spec: {
        group,
        scope: 'Cluster',
        names: { plural: 'things', kind: 'Thing' },
        versions: [version('v1', 'a', true), version('v2', 'b', false)],
        conversion: {
          strategy: 'Webhook',
          webhook: {
            // One that nobody knows is passed over.
            conversionReviewVersions: ['v3', 'v1beta1', 'v1'],
            clientConfig: {
              service: { name: 'hook', namespace: 'hooks', path: '/convert', port: 8443 },
              caBundle: hook.caBundle,
            },
          },
        },
      },
    });
    for await (const { object } of client.watch(CustomResourceDefinition)) {
      if (object.status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True')) break;
    }
  });
  afterAll(async () => {
    await server.stop();
    hook.stop();
    await rm(dir, { recursive: true });
  });

  const env = () => ({ ...process.env, KUBECONFIG: join(dir, 'kubeconfig'), HOME: dir });
  const k = async (...args: string[]) => (await run(kubectl, args, { cwd: dir, env: env() })).stdout;
  const apply = async (text: string, ...more: string[]) => {
    await writeFile(join(dir, 'thing.json'), text);
    return k('apply', '-f', 'thing.json', ...more);
  };

  it('are applied, read and listed in each version', async () => {
    expect(await apply(thing('x', 'v2', { b: '1' }))).toBe(`thing.${group}/x created\n`);
    expect(await k('get', `things.v1.${group}`, 'x', '-o', 'jsonpath={.apiVersion} {.spec}')).toBe(
      `${group}/v1 {"a":"1"}`,
    );
    expect(await apply(thing('x', 'v2', { b: '1' }))).toBe(`thing.${group}/x unchanged\n`);
    expect(await apply(thing('x', 'v1', { a: '2' }))).toBe(`thing.${group}/x configured\n`);
    expect(await apply(thing('y', 'v1', { a: '3' }), '--server-side')).toBe(`thing.${group}/y serverside-applied\n`);
    expect(await apply(thing('y', 'v2', { b: '4' }), '--server-side')).toBe(`thing.${group}/y serverside-applied\n`);
    expect(await k('get', `things.v1.${group}`)).toBe('NAME   A\nx      2\ny      4\n');
    expect(await k('get', `things.v2.${group}`)).toBe('NAME   B\nx      2\ny      4\n');
    expect(await k('get', 'thing', '-o', 'jsonpath={.items[*].apiVersion}')).toBe(`${group}/v2 ${group}/v2`);
    const [first] = hook.seen;
    expect([first?.path, first?.raw.headers.host]).toEqual(['/convert?timeout=30s', 'hook.hooks.svc:8443']);
  });

  // What a real kube-apiserver v1.35.4 says where reviews are of v1beta1.
  const failed = `conversion webhook for ${group}/v1, Kind=Thing failed: `;
  const review = 'apiextensions.k8s.io/v1beta1';
  it.each<[string, typeof wrong, string | undefined]>([
    ['another uid', { response: { uid: 'other' } }, undefined],
    ['no type', { review: { apiVersion: undefined, kind: undefined } }, undefined],
    [
      'a number as uid',
      { response: { uid: 5 } },
      `${failed}json: cannot unmarshal number into Go struct field ConversionResponse.response.uid of type types.UID`,
    ],
    [
      'a review of v1',
      { review: { apiVersion: 'apiextensions.k8s.io/v1' } },
      `${failed}converting (v1.ConversionReview) to (v1beta1.ConversionReview): unknown conversion`,
    ],
    [
      'another kind',
      { review: { kind: 'Other' } },
      `${failed}no kind "Other" is registered for version "${review}" in scheme "pkg/runtime/scheme.go:111"`,
    ],
    ['no response', { review: { response: undefined } }, `${failed}no response provided`],
    ['a failure', { response: { result: { status: 'Failed', message: 'because' } } }, `${failed}because`],
    ['no result', { response: { result: undefined } }, `${failed}response.result.status was '', not 'Success'`],
    [
      'no object',
      { response: { convertedObjects: [] } },
      `conversion webhook for ${group}/v1, Kind=Thing returned 0 objects, expected 1`,
    ],
    [
      'another name',
      { metadata: { name: 'q' } },
      `conversion webhook for ${group}/v1, Kind=Thing returned invalid object: must have the same name: x != q`,
    ],
  ])('may not answer %s', async (name, change, message) => {
    await apply(thing('x', 'v1', { a: name }));
    wrong = change;
    try {
      const answer = k('get', `things.v2.${group}`, 'x', '-o', 'jsonpath={.spec.b}');
      if (message === undefined) expect(await answer).toBe(name);
      else await expect(answer).rejects.toMatchObject({ stderr: `Error from server: ${message}\n` });
    } finally {
      wrong = {};
    }
  });
});

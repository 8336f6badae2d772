import { request as httpsRequest } from 'node:https';
import { connect } from 'node:tls';
import {
  APIService,
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  EndpointSlice,
  Service,
  systemClock,
} from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '../pki/index.ts';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';
import { group, startExtension, type TestExtension } from './extension-server.test-data.ts';

const name = `v1.${group}`;
const target = { namespace: 'default', name: 'ext' };
const base = `/apis/${group}/v1`;
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

let server: TestApiServer;
let extension: TestExtension;
let user: KeyPair;

interface Answer {
  readonly code: number;
  readonly type: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; as?: KeyPair } = {},
) {
  const { method = 'GET', headers = {}, body, as = server.pki?.admin } = options;
  return new Promise<Answer>((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: '127.0.0.1',
        port: server.listening?.port,
        path,
        method,
        headers,
        ca: server.pki?.ca,
        cert: as?.certificate,
        key: as?.key,
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => {
          resolve({
            code: answer.statusCode ?? 0,
            type: answer.headers['content-type'],
            headers: answer.headers,
            text,
          });
        });
      },
    );
    sent.on('error', reject).end(body);
  });
}

const json = async (path: string, headers: Record<string, string> = {}) =>
  JSON.parse((await ask(path, { headers })).text);
const available = async () =>
  (await server.client.get(APIService, { name })).status?.conditions?.find((each) => each.type === 'Available');
const until = (reason: string) => waitFor(async () => (await available())?.reason === reason, { timeoutMs: 15_000 });

const slice = (port: number) => ({
  metadata: { name: 'ext-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'ext' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  ports: [{ name: '', port, protocol: 'TCP' }],
});

const entryOf = async () => {
  const { items } = await json('/apis', { accept: aggregated });
  return items.find((each: { metadata: { name: string } }) => each.metadata.name === group);
};

beforeAll(async () => {
  server = await startTestApiServer({ socket: true, registry: { loopbackEndpoints: true } });
  if (!server.pki) throw new Error('no certificates');
  user = await server.pki.issueClient({ commonName: 'joe', organizations: ['team a'] });
  extension = await startExtension('ext.default.svc', systemClock.now());
  await server.client.create(Service, {
    metadata: target,
    spec: { ports: [{ port: 443, targetPort: extension.port }] },
  });
  await server.client.create(EndpointSlice, slice(1));
  await server.client.create(APIService, {
    metadata: { name },
    spec: {
      group,
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 10,
      caBundle: Buffer.from(extension.ca).toString('base64'),
      service: target,
    },
  });
});
afterAll(async () => {
  await server.stop();
  await extension.stop();
});

/** The answers are those of kube-apiserver v1.35 to the same questions. */
describe('an extension server that does not answer', () => {
  it('is said to be unavailable, and its requests are refused', async () => {
    await until('FailedDiscoveryCheck');
    expect((await available())?.message).toBe(
      `failing or missing response from https://127.0.0.1:1${base}: Get "https://127.0.0.1:1${base}": dial tcp 127.0.0.1:1: connect: connection refused`,
    );
    expect(await server.server.metrics.text()).toContain(`aggregator_unavailable_apiservice{name="${name}"} 1`);
    const refused = await ask(`${base}/things`);
    expect([refused.code, refused.type, refused.text]).toEqual([
      503,
      'text/plain; charset=utf-8',
      'service unavailable\n',
    ]);
    expect(refused.headers['x-kubernetes-pf-flowschema-uid']).toMatch(/^[0-9a-f-]{36}$/);
    expect((await ask(base)).text).toBe('service unavailable\n');
  });

  it('is in discovery, without its resources', async () => {
    expect(await entryOf()).toEqual({ metadata: { name: group }, versions: [{ version: 'v1', freshness: 'Stale' }] });
    expect(await json(`/apis/${group}`)).toEqual({
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: group,
      versions: [{ groupVersion: `${group}/v1`, version: 'v1' }],
      preferredVersion: { groupVersion: `${group}/v1`, version: 'v1' },
    });
    expect((await ask(`/apis/${group}/v2`)).text).toBe('404 page not found\n');
  });
});

describe('an extension server that answers', () => {
  beforeAll(async () => {
    await server.client.update(EndpointSlice, {
      ...(await server.client.get(EndpointSlice, { name: 'ext-1', namespace: 'default' })),
      ...slice(extension.port),
      metadata: {
        ...slice(1).metadata,
        resourceVersion:
          (await server.client.get(EndpointSlice, { name: 'ext-1', namespace: 'default' })).metadata.resourceVersion ??
          '',
      },
    });
    await until('Passed');
  });

  it('is asked in the name of the aggregator', async () => {
    expect((await available())?.message).toBe('all checks passed');
    expect(await server.server.metrics.text()).toContain(`aggregator_unavailable_apiservice{name="${name}"} 0`);
    const asked = extension.seen.find(({ url }) => url === base);
    expect(asked?.peer).toBe('front-proxy-client');
    expect(asked?.serverName).toBe('ext.default.svc');
    expect(asked?.headers).toMatchObject({
      'x-remote-user': 'system:kube-aggregator',
      'x-remote-group': 'system:masters',
    });
  });

  it('gets requests with who asks, and nothing that a client says of that', async () => {
    const rules = [{ apiGroups: [group], resources: ['*'], verbs: ['*'] }];
    await server.client.create(ClusterRole, { metadata: { name: 'things' }, rules });
    await server.client.create(ClusterRoleBinding, {
      metadata: { name: 'things' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'things' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'joe' }],
    });
    const headers = {
      'x-remote-user': 'evil',
      'x-remote-group': 'system:masters',
      'x-remote-extra-a': 'b',
      'x-forwarded-uri': '/other',
      'content-type': 'application/json',
      'x-mine': 'stays',
      'accept-encoding': 'identity',
    };
    await waitFor(async () => (await ask(`${base}/things`, { as: user })).code === 200);
    const answer = await ask(`${base}/namespaces/default/things?a=b&c`, {
      method: 'POST',
      headers,
      body: '{"a":1}',
      as: user,
    });
    expect([answer.code, answer.headers['x-own'], answer.headers['cache-control']]).toEqual([
      201,
      'yes',
      'no-cache, private',
    ]);
    const seen = extension.seen.at(-1);
    expect(seen).toMatchObject({ method: 'POST', url: `${base}/namespaces/default/things?a=b&c`, body: '{"a":1}' });
    expect(seen?.headers).toMatchObject({
      host: `127.0.0.1:${extension.port}`,
      'x-remote-user': 'joe',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': `127.0.0.1:${extension.port}`,
      'x-forwarded-proto': 'https',
      'x-forwarded-uri': `${base}/namespaces/default/things`,
      'x-mine': 'stays',
      'audit-id': answer.headers['audit-id'],
    });
    const groups = seen?.rawHeaders.filter((_, at, all) => all[at - 1]?.toLowerCase() === 'x-remote-group');
    expect(groups).toEqual(['team a', 'system:authenticated']);
    expect(Object.keys(seen?.headers ?? {})).not.toContain('x-remote-extra-a');
  });

  it('gets nothing from who has no leave', async () => {
    const stranger = await server.pki?.issueClient({ commonName: 'stranger' });
    const before = extension.seen.length;
    const refused = await ask(`${base}/things`, stranger ? { as: stranger } : {});
    expect(JSON.parse(refused.text)).toMatchObject({
      code: 403,
      message: `things.${group} is forbidden: User "stranger" cannot list resource "things" in API group "${group}" at the cluster scope`,
    });
    expect(extension.seen.slice(before).filter(({ url }) => url.includes('things'))).toEqual([]);
  });

  it('answers for itself, but may not lead elsewhere', async () => {
    expect(await json(`${base}/none`)).toMatchObject({ message: 'own 404' });
    const redirected = await ask(`${base}/redirect`);
    expect([redirected.code, redirected.text]).toEqual([
      502,
      'the backend attempted to redirect this request, which is not permitted',
    ]);
  });

  it('streams watches, and ends them with the client', async () => {
    const begun = await new Promise<string>((resolve, reject) => {
      const { admin, ca } = server.pki ?? {};
      const sent = httpsRequest(
        {
          host: '127.0.0.1',
          port: server.listening?.port,
          path: `${base}/things?watch=1`,
          ca,
          cert: admin?.certificate,
          key: admin?.key,
        },
        (answer) => {
          answer.once('data', (chunk: Buffer) => {
            resolve(chunk.toString('utf8'));
            sent.destroy();
          });
          answer.on('error', () => undefined);
        },
      );
      sent.on('error', reject).end();
    });
    expect(begun).toBe('{"type":"ADDED","object":{"kind":"Thing","metadata":{}}}\n');
  });

  it('goes on in another protocol', async () => {
    const { admin, ca } = server.pki ?? {};
    const socket = connect({
      host: '127.0.0.1',
      port: server.listening?.port ?? 0,
      ca,
      cert: admin?.certificate,
      key: admin?.key,
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.write(`GET ${base}/up HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n`);
    await waitFor(() => text.includes('\r\n\r\n'));
    socket.write('hello');
    await waitFor(() => text.endsWith('hello'));
    expect(text).toContain('HTTP/1.1 101');
    socket.destroy();
  });

  it('is reached by clients in the same process, as far as they may', async () => {
    const thing = { group, version: 'v1', kind: 'Thing', plural: 'things', namespaced: true, status: false };
    const before = extension.seen.length;
    expect((await server.client.list(thing, { namespace: 'default' })).items).toEqual([]);
    expect(extension.seen.slice(before).find(({ url }) => url.includes('/things'))).toMatchObject({
      url: expect.stringContaining(`${base}/namespaces/default/things`),
      headers: { 'x-remote-user': 'kubernetes-admin' },
    });
    const nobody = server.clients.as({ name: 'nobody' });
    await expect(nobody.list(thing, { namespace: 'default' })).rejects.toThrow('nobody');
    expect(JSON.parse(await server.client.transport.raw('GET', base)).kind).toBe('APIResourceList');
    for await (const { type } of server.client.transport.watch({
      verb: 'watch',
      group,
      version: 'v1',
      resource: 'things',
    })) {
      expect(type).toBe('ADDED');
      break;
    }
  });

  it('is in discovery with what it serves', async () => {
    expect(await entryOf()).toEqual({
      metadata: { name: group },
      versions: [
        {
          version: 'v1',
          resources: [
            {
              resource: 'things',
              responseKind: { group: '', version: '', kind: 'Thing' },
              scope: 'Namespaced',
              singularResource: 'thing',
              verbs: ['get', 'list', 'watch', 'create'],
              shortNames: ['th'],
              categories: ['all'],
              subresources: [
                { subresource: 'status', responseKind: { group: '', version: '', kind: 'Thing' }, verbs: ['get'] },
              ],
            },
          ],
          freshness: 'Current',
        },
      ],
    });
    expect((await json(base)).resources.map((each: { name: string }) => each.name)).toEqual([
      'things',
      'things/status',
    ]);
    expect((await json('/')).paths).toEqual(expect.arrayContaining([`/apis/${group}`, base]));
    const { groups } = await json('/apis');
    expect(groups.at(-1).name).toBe(group);
  });

  it('is in both OpenAPIs, with definitions of others left as they are', async () => {
    const { paths, definitions } = await json('/openapi/v2');
    expect(paths[`${base}/things`].get.responses[200].schema).toEqual({ $ref: '#/definitions/Thing' });
    expect(paths['/elsewhere/']).toBeUndefined();
    expect(definitions.Thing).toEqual({ type: 'object' });
    expect(definitions['io.k8s.api.core.v1.Pod'].properties.spec).toBeDefined();
    expect(definitions['io.k8s.api.core.v1.Pod_v2'].description).toBe('another one');
    expect((await json('/openapi/v3')).paths[`apis/${group}/v1`]).toEqual({
      serverRelativeURL: `/openapi/v3${base}?hash=ABC`,
    });
    expect((await json(`/openapi/v3${base}?hash=ABC`)).info.title).toBe('ext');
  });

  it('can tell who asks by the ConfigMap of the cluster', async () => {
    const where = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
    const { data } = await server.client.get(ConfigMap, where);
    expect(data).toMatchObject({
      'client-ca-file': server.pki?.ca,
      'requestheader-client-ca-file': server.pki?.frontProxy.ca,
      'requestheader-allowed-names': '["front-proxy-client"]',
    });
  });

  it('whose certificate is for another name is not asked', async () => {
    const found = await server.client.get(APIService, { name });
    const { caBundle: _trusted, ...rest } = found.spec;
    const other = Buffer.from(server.pki?.ca ?? '').toString('base64');
    await server.client.update(APIService, { ...found, spec: { ...rest, caBundle: other } });
    await until('FailedDiscoveryCheck');
    expect((await available())?.message).toBe(
      `failing or missing response from https://127.0.0.1:${extension.port}${base}: Get "https://127.0.0.1:${extension.port}${base}": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    );
    const again = await server.client.get(APIService, { name });
    await server.client.update(APIService, { ...again, spec: { ...rest, insecureSkipTLSVerify: true } });
    await until('Passed');
  });

  it('is gone with its APIService', async () => {
    await server.client.delete(APIService, { name });
    await waitFor(async () => (await ask(`${base}/things`)).text === '404 page not found\n');
    expect(await entryOf()).toBeUndefined();
  });
});

import { connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { ConfigMap, Namespace } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

describe('the HTTP face', () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startTestApiServer({ socket: true });
  });
  afterAll(() => server.stop());

  const port = () => server.listening?.port ?? 0;

  /** HTTP/1.1, as the administrator unless told otherwise. */
  function call(
    method: string,
    path: string,
    options: { readonly headers?: Record<string, string>; readonly body?: string; readonly anonymous?: boolean } = {},
  ): Promise<Answer> {
    const { pki } = server;
    const identity = options.anonymous ? {} : { cert: pki?.admin.certificate, key: pki?.admin.key };
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        {
          host: '127.0.0.1',
          port: port(),
          method,
          path,
          headers: options.headers,
          ca: pki?.ca,
          agent: false,
          ...identity,
        },
        async (incoming) => {
          const chunks: Buffer[] = [];
          for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ code: incoming.statusCode ?? 0, headers: incoming.headers, text });
        },
      );
      outgoing.once('error', reject);
      outgoing.end(options.body);
    });
  }

  const messageOf = ({ code, text }: Answer) => `${code} ${String(JSON.parse(text).message)}`;
  const json = { 'content-type': 'application/json' };
  const configMaps = '/api/v1/namespaces/default/configmaps';

  it('serves HTTP/2 and HTTP/1.1 on one port', async () => {
    const { pki } = server;
    const session = connect(`https://127.0.0.1:${port()}`, {
      ca: pki?.ca,
      cert: pki?.admin.certificate,
      key: pki?.admin.key,
    });
    const stream = session.request({ ':path': '/api/v1/namespaces/default' });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect(JSON.parse(text)).toMatchObject({ kind: 'Namespace', metadata: { name: 'default' } });
    session.close();
    expect((await call('GET', '/version')).text).toContain('v1.35.4+keelson');
  });

  it('tells who asks', async () => {
    expect(messageOf(await call('GET', '/api', { anonymous: true }))).toBe('401 Unauthorized');
    expect(messageOf(await call('GET', '/version', { headers: { authorization: 'Bearer x' }, anonymous: true }))).toBe(
      '401 Unauthorized',
    );
    const joe = { headers: { 'impersonate-user': 'joe' } };
    expect(messageOf(await call('GET', '/api/v1/namespaces/default/pods', joe))).toBe(
      '403 pods is forbidden: User "joe" cannot list resource "pods" in API group "" in the namespace "default"',
    );
  });

  it('forbids sniffing where it refuses for who asks, as Kubernetes does', async () => {
    const sniffing = async (path: string, headers: Record<string, string>, anonymous = false) => {
      const answer = await call('GET', path, { headers, anonymous });
      return `${answer.code} ${String(answer.headers['x-content-type-options'])}`;
    };
    const joe = { 'impersonate-user': 'joe' };
    expect(await sniffing(configMaps, joe)).toBe('403 nosniff');
    expect(await sniffing('/metrics', joe)).toBe('403 nosniff');
    expect(await sniffing('/api', { 'impersonate-group': 'only-group' })).toBe('400 nosniff');
    expect(await sniffing('/api', { authorization: 'Bearer x' }, true)).toBe('401 undefined');
    expect(await sniffing(`${configMaps}/none`, {})).toBe('404 undefined');
  });

  it('knows ServiceAccount tokens that it issued', async () => {
    const namespace = 'default';
    const type = { group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true };
    await server.client.create(type, { metadata: { name: 'bot', namespace } });
    const answer = await server.client.createSubresource(type, { name: 'bot', namespace }, 'token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [] },
    });
    expect(answer).toMatchObject({ kind: 'TokenRequest', spec: { expirationSeconds: 3600 } });
    const token = typeof answer === 'object' && answer && 'status' in answer ? answer.status : undefined;
    const bearer = typeof token === 'object' && token && 'token' in token ? String(token.token) : '';
    const whoAmI = await call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      headers: { ...json, authorization: `Bearer ${bearer}` },
      body: '{}',
      anonymous: true,
    });
    expect(JSON.parse(whoAmI.text).status.userInfo.username).toBe('system:serviceaccount:default:bot');
    await server.client.delete(type, { name: 'bot', namespace });
    const after = await call('GET', '/version', { headers: { authorization: `Bearer ${bearer}` }, anonymous: true });
    expect(after.code).toBe(401);
  });

  it('refuses bodies that are too large, too deep, broken or in another language', async () => {
    const post = (body: string, headers = json) => call('POST', `${configMaps}?dryRun=All`, { headers, body });
    expect(messageOf(await post('x'.repeat(4 * 1024 * 1024)))).toBe('413 Request entity too large: limit is 3145728');
    expect(messageOf(await post(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`))).toContain('exceeded max depth');
    expect((await post(`{"kind":"ConfigMap","x":${'['.repeat(390)}${']'.repeat(390)}}`)).code).toBe(422);
    expect(messageOf(await post('{"a"'))).toContain('json parse error: unexpected end of JSON input');
    expect((await post('x', { 'content-type': 'text/plain' })).code).toBe(415);
    expect((await call('GET', configMaps, { headers: { accept: 'text/html' } })).code).toBe(406);
  });

  it('finds keys given twice: a warning, or an error when strict', async () => {
    const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","name":"b"},"data":{"k":"1","k":"2"}}';
    const warned = await call('POST', `${configMaps}?dryRun=All`, { headers: json, body });
    expect(warned.headers['warning']).toContain('299 - "duplicate field \\"metadata.name\\""');
    expect(messageOf(await call('POST', `${configMaps}?fieldValidation=Strict`, { headers: json, body }))).toBe(
      '400 ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ' +
        'duplicate field "metadata.name", duplicate field "data.k"',
    );
  });

  it('leaves kind and apiVersion out of the items of a list', async () => {
    const list = JSON.parse((await call('GET', '/api/v1/namespaces')).text);
    expect(list.kind).toBe('NamespaceList');
    expect(Object.keys(list.items[0])).not.toContain('kind');
    expect(list.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toContain('kube-system');
  });

  it('gives tables, bare metadata, YAML and gzip', async () => {
    const accept = (as: string) => ({ headers: { accept: `application/json;as=${as};g=meta.k8s.io;v=v1` } });
    const table = JSON.parse((await call('GET', '/api/v1/namespaces', accept('Table'))).text);
    expect(table.columnDefinitions.map((each: { name: string }) => each.name)).toEqual(['Name', 'Status', 'Age']);
    expect(table.rows[0].object.kind).toBe('PartialObjectMetadata');
    const partial = JSON.parse((await call('GET', '/api/v1/namespaces', accept('PartialObjectMetadataList'))).text);
    expect(Object.keys(partial.items[0])).toEqual(['kind', 'apiVersion', 'metadata']);
    const yaml = await call('GET', '/api/v1/namespaces/default', { headers: { accept: 'application/yaml' } });
    expect(yaml.text).toMatch(/^apiVersion: v1\nkind: Namespace\nmetadata:\n {2}creationTimestamp: "/);
    const zipped = await call('GET', '/openapi/v3/api/v1', { headers: { 'accept-encoding': 'gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
  });

  it('answers discovery from its ETag', async () => {
    const headers = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
    const first = await call('GET', '/apis', { headers });
    expect(JSON.parse(first.text).kind).toBe('APIGroupDiscoveryList');
    const again = await call('GET', '/apis', {
      headers: { ...headers, 'if-none-match': String(first.headers['etag']) },
    });
    expect(again.code).toBe(304);
  });

  it('streams a watch until its time is over', async () => {
    const name = 'watched';
    const watching = call('GET', `${configMaps}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=${name}`);
    await waitFor(async () => (await call('GET', '/metrics')).text.includes('resource="configmaps"} 1'));
    await server.client.create(ConfigMap, { metadata: { name, namespace: 'default' } });
    await server.client.delete(ConfigMap, { name, namespace: 'default' });
    const lines = (await watching).text.trim().split('\n');
    const events = lines.map((line) => JSON.parse(line));
    expect(events.map(({ type, object }) => `${type} ${object.kind} ${object.metadata.name}`)).toEqual([
      'ADDED ConfigMap watched',
      'DELETED ConfigMap watched',
    ]);
  });

  it('counts the time of a watch from when it is on, and says of a version to come that it does not', async () => {
    const version = 'resourceVersion=99999999999&resourceVersionMatch=NotOlderThan';
    const { text } = await call('GET', `${configMaps}?watch=1&timeoutSeconds=1&sendInitialEvents=x&${version}`);
    expect(JSON.parse(text)).toEqual({
      type: 'ERROR',
      object: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: expect.stringMatching(/^Timeout: Too large resource version: 99999999999, current: \d+$/),
        reason: 'Timeout',
        details: {
          causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
          retryAfterSeconds: 1,
        },
        code: 504,
      },
    });
  });

  it('ends watches when it stops, after readiness has failed', async () => {
    const other = await startTestApiServer({ socket: true });
    const controller = new AbortController();
    const session = connect(other.listening?.url ?? '', {
      ca: other.pki?.ca,
      cert: other.pki?.admin.certificate,
      key: other.pki?.admin.key,
    });
    const stream = session.request({ ':path': '/api/v1/namespaces?watch=1' }, { signal: controller.signal });
    let text = '';
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
    const ended = new Promise((resolve) => stream.once('end', resolve));
    await waitFor(async () => text.includes('kube-system'));
    expect((await other.client.list(Namespace)).items).toHaveLength(4);
    await other.stop();
    await ended;
    const readiness = await other.server.health.answer('/readyz', new URLSearchParams());
    expect(readiness?.code).toBe(500);
    session.destroy();
  });

  it.each([
    'a declared length',
    'no declared length',
  ])('lets a client read the 413 while it sends, with %s', async (how) => {
    const body = `{"a":"${'x'.repeat(8 * 1024 * 1024)}"}`;
    const headers: Record<string, string> =
      how === 'a declared length' ? json : { ...json, 'transfer-encoding': 'chunked' };
    const refused = await call('POST', configMaps, { headers, body });
    expect(messageOf(refused)).toBe('413 Request entity too large: limit is 3145728');
    expect(refused.headers['connection']).toBe('close');
  });

  it('answers 413 on one stream of HTTP/2, and the others go on', async () => {
    const { pki } = server;
    const session = connect(`https://127.0.0.1:${port()}`, {
      ca: pki?.ca,
      cert: pki?.admin.certificate,
      key: pki?.admin.key,
    });
    const exchange = (method: string, path: string, body?: string) =>
      new Promise<string>((resolve, reject) => {
        const stream = session.request({ ':method': method, ':path': path, 'content-type': 'application/json' });
        let text = '';
        stream.setEncoding('utf8');
        stream.on('data', (chunk: string) => {
          text += chunk;
        });
        stream.once('end', () => resolve(text)).once('error', reject);
        stream.end(body);
      });
    const refused = await exchange('POST', configMaps, 'x'.repeat(8 * 1024 * 1024));
    expect(JSON.parse(refused)).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    expect(await exchange('GET', '/readyz')).toBe('ok');
    session.close();
  });
});

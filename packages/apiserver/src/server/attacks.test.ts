import { connect as connectHttp2 } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { ConfigMap, Role, RoleBinding, Secret, systemClock } from '@keelson/core';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '../pki/index.ts';
import { startTestApiServer, type TestApiServer } from './index.ts';

let server: TestApiServer;
let joe: KeyPair;
const secret = 'bXktc2VjcmV0LXZhbHVl';

beforeAll(async () => {
  server = await startTestApiServer({ socket: true });
  if (!server.pki) throw new Error('no certificates');
  joe = await server.pki.issueClient({ commonName: 'joe' });
  const { client } = server;
  await client.create(Secret, { metadata: { name: 's', namespace: 'kube-system' }, data: { a: secret } });
  await client.create(ConfigMap, { metadata: { name: 'mine', namespace: 'default' }, data: { a: 'b' } });
  await client.create(Role, {
    metadata: { name: 'joe', namespace: 'default' },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['*'] }],
  });
  await client.create(RoleBinding, {
    metadata: { name: 'joe', namespace: 'default' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'joe' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'joe' }],
  });
});
afterAll(() => server.stop());

const admin = (): KeyPair => server.pki?.admin ?? joe;
const identity = (pair: KeyPair) => ({ ca: server.pki?.ca, cert: pair.certificate, key: pair.key });

/** Opens a connection that ends with the server's answer. */
async function open(pair: KeyPair): Promise<{ socket: TLSSocket; seen(): string; closed: Promise<string> }> {
  const socket = connect({ host: '127.0.0.1', port: server.listening?.port ?? 0, ...identity(pair) });
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => socket.destroy());
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  return { socket, seen: () => text, closed };
}

async function say(text: string | Buffer, pair = admin()): Promise<string> {
  const { socket, closed } = await open(pair);
  socket.write(text);
  return closed;
}

const get = (path: string, pair?: KeyPair) => say(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`, pair);
const codeOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

async function getHttp2(path: string, pair = admin()): Promise<{ code: number; text: string }> {
  const session = connectHttp2(server.listening?.url ?? '', identity(pair));
  try {
    return await new Promise((resolve, reject) => {
      const stream = session.request({ ':path': path });
      let code = 0;
      let text = '';
      stream.on('response', (headers) => {
        code = Number(headers[':status']);
      });
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      stream.once('error', reject).once('close', () => resolve({ code, text }));
      stream.end();
    });
  } finally {
    session.destroy();
  }
}

/** The codes are those of kube-apiserver v1.35 but for the last part. */
const paths: readonly (readonly [path: string, code: number])[] = [
  ['/api/v1/namespaces/default/../../../../metrics', 404],
  ['/api/v1/namespaces/..', 400],
  ['/api/v1/namespaces/%2e%2e', 400],
  ['/api/v1//namespaces', 404],
  ['//api/v1/namespaces', 404],
  ['/api/v1/namespaces/default/secrets/a%2fb', 404],
  ['/api/v1/namespaces/default/configmaps/a%2f..%2fb', 404],
  ['/api/v1/namespaces/default/configmaps/a%00b', 404],
  ['/api/v1/namespaces/default%2f..%2fkube-system/secrets', 404],
  ['/openapi/v3/../../metrics', 404],
  ['/healthz/../metrics', 404],
  ['/readyz/%2e%2e/metrics', 404],
  ['/API/v1/namespaces', 404],
  ['/api/v1/namespaces/default/configmaps/.', 400],
  ['/./api/v1/namespaces/default', 404],
];

describe('paths that lead elsewhere', () => {
  it.each(paths)('%s', async (path, code) => {
    const first = await get(path);
    const second = await getHttp2(path);
    expect([codeOf(first), second.code]).toEqual([code, code]);
  });

  it.each([
    ...paths.map(([path]) => path),
    '/api/v1/namespaces/default/configmaps/../../kube-system/secrets/s',
    '/api/v1/namespaces/default/configmaps/..%2f..%2fkube-system%2fsecrets%2fs',
    '/api/v1/namespaces/default/configmaps/%2e%2e/%2e%2e/kube-system/secrets/s',
    '/api/v1/namespaces/default/configmaps//../../kube-system/secrets/s',
    '/api/v1/namespaces/kube-system%2fsecrets',
    '/api/v1/namespaces/kube-system%2fsecrets%2fs',
    '/api/v1/namespaces/default/configmaps;/../../../kube-system/secrets/s',
    '/api/v1/namespaces/default/configmaps%3f/../secrets/s',
    '/api/v1/namespaces/default/configmaps\\..\\..\\kube-system\\secrets',
    '/api/v1/namespaces/%2e%2e/secrets',
    '/api/v1/namespaces/default%00/secrets',
    '/healthz/../api/v1/secrets',
    '/livez/..;/api/v1/secrets',
    '/apis/../api/v1/secrets',
    '/api/v1/watch/namespaces/kube-system/secrets',
    '/version/../api/v1/namespaces/kube-system/secrets/s',
  ])('give nobody more than he may see: %s', async (path) => {
    for (const text of [await get(path, joe), (await getHttp2(path, joe)).text]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain('process_cpu_seconds_total');
    }
  });
});

describe('headers that two servers would read differently', () => {
  const head = 'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const hidden = 'GET /api/v1/namespaces/kube-system/secrets/s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';

  it.each([
    ['both lengths', `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['two lengths', `${head}content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef${hidden}`],
    ['a length with a sign', `${head}content-length: +5\r\n\r\nabcde${hidden}`],
    ['a length in hexadecimal', `${head}content-length: 0x5\r\n\r\nabcde${hidden}`],
    ['a space before the colon', `${head}transfer-encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['another coding', `${head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['chunked, but not last', `${head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`],
    ['a chunk with a wrong length', `${head}transfer-encoding: chunked\r\n\r\n5\r\n{}\r\n0\r\n\r\n${hidden}`],
    ['a chunk length that is none', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n${hidden}`],
    ['a null byte in a header', `${head}x-a: a\0b\r\ncontent-length: 2\r\n\r\n{}${hidden}`],
    ['a line of its own in a header', `GET /version HTTP/1.1\r\nhost: x\r\nx-a: b\rx-c: d\r\n\r\n${hidden}`],
  ])('%s: refused, and what follows is not read', async (_, text) => {
    const answer = await say(text);
    expect(codeOf(answer)).toBeGreaterThanOrEqual(400);
    expect(answer).not.toContain(secret);
    expect([...answer.matchAll(/HTTP\/1\.1 \d/g)]).toHaveLength(1);
  });

  it('a null byte in the line of the request', async () => {
    expect(codeOf(await get('/api/v1/namespaces/a\0b'))).toBe(400);
  });

  it('says who asks only by what authentication found', async () => {
    const answer = await say(
      'GET /api/v1/namespaces/kube-system/secrets/s HTTP/1.1\r\nhost: x\r\nx-remote-user: admin\r\nx-remote-group: system:masters\r\nconnection: close\r\n\r\n',
      joe,
    );
    expect(codeOf(answer)).toBe(403);
  });
});

describe('bodies that are more than they seem', () => {
  const post = (body: Buffer | string, headers = '', pair = admin()) => {
    const bytes = Buffer.from(body);
    const head =
      `POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}` +
      `content-length: ${bytes.length}\r\n\r\n`;
    return say(Buffer.concat([Buffer.from(head), bytes]), pair);
  };
  const asJson = 'content-type: application/json\r\n';
  const asYaml = 'content-type: application/yaml\r\n';

  it('a zip bomb stays as small as it came: nothing is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, 0x20));
    const before = process.memoryUsage().rss;
    const answer = await post(bomb, `${asJson}content-encoding: gzip\r\n`);
    expect(codeOf(answer)).toBe(400);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  });

  it('more than three megabytes', async () => {
    const answer = await post(`{"data":{"a":"${'x'.repeat(3 * 1024 * 1024)}"}}`, asJson);
    expect(codeOf(answer)).toBe(413);
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ reason: 'RequestEntityTooLarge' });
  });

  it.each([
    ['JSON', asJson, `{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`],
    ['JSON of objects', asJson, `${'{"a":'.repeat(400_000)}1${'}'.repeat(400_000)}`],
    ['JSON that is not closed', asJson, '{"a":'.repeat(500_000)],
    ['YAML', asYaml, `a: ${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('nested too deeply: %s', async (_, headers, body) => {
    const begun = performance.now();
    const answer = await post(body, headers);
    expect(codeOf(answer)).toBe(400);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('YAML whose aliases multiply', async () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let each = 1; each < 12; each++) {
      lines.push(`a${each}: &a${each} [${Array.from({ length: 10 }, () => `*a${each - 1}`).join(', ')}]`);
    }
    const begun = performance.now();
    const answer = await post(`kind: ConfigMap\napiVersion: v1\nmetadata: {name: y}\n${lines.join('\n')}\n`, asYaml);
    expect(codeOf(answer)).toBe(400);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('names that would change what an object is', async () => {
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto"},"__proto__":{"data":{"a":"b"}},"data":{"__proto__":"x","constructor":"y"}}';
    expect(codeOf(await post(body, asJson))).toBeLessThan(500);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(({} as { data?: unknown }).data).toBeUndefined();
  });

  it('a request line of megabytes', async () => {
    expect(codeOf(await get(`/version?${'a'.repeat(2 * 1024 * 1024)}`))).toBe(431);
  });
});

describe('requests that never end', () => {
  it('do not keep others out: hundreds of connections that send a byte now and then', async () => {
    const slow = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const each = await open(joe);
        each.socket.write(
          'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\nx-a: ',
        );
        return each;
      }),
    );
    for (const { socket } of slow) socket.write('b');
    const begun = performance.now();
    expect(codeOf(await get('/api/v1/namespaces/default/configmaps/mine', joe))).toBe(200);
    expect(performance.now() - begun).toBeLessThan(1000);
    for (const { socket } of slow) socket.destroy();
  });

  it('lose their seat while their body does not come', async () => {
    const clock = new FakeClock(systemClock.now());
    const other = await startTestApiServer({ socket: true, clock });
    try {
      const pair = other.pki?.admin;
      const socket = connect({
        host: '127.0.0.1',
        port: other.listening?.port ?? 0,
        ca: other.pki?.ca,
        cert: pair?.certificate,
        key: pair?.key,
      });
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      socket.write(
        'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
      );
      const seats = async () =>
        /current_executing_requests\{flow_schema="exempt",priority_level="exempt"\} (\d+)/.exec(
          await other.server.metrics.text(),
        )?.[1];
      await waitFor(async () => (await seats()) === '1');
      await clock.advance(1000);
      await waitFor(async () => (await seats()) === '0');
      await clock.advance(60_000);
      await waitFor(() => text.includes('"reason":"Timeout"'));
      await waitFor(async () => (await seats()) === '0');
      socket.destroy();
    } finally {
      await other.stop();
    }
  });
});

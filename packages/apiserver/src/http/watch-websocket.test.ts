import { ConfigMap } from '@keelson/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import WebSocket from 'ws';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

let server: TestApiServer;
const path = '/api/v1/namespaces/default/configmaps';
const watch = `${path}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=a`;

beforeAll(async () => {
  server = await startTestApiServer({ socket: true });
  await server.client.create(ConfigMap, { metadata: { name: 'a', namespace: 'default' }, data: { x: 'y' } });
}, 30_000);
afterAll(() => server.stop());

interface Seen {
  readonly refused?: number;
  readonly protocol?: string;
  readonly messages: readonly { readonly data: Buffer; readonly binary: boolean }[];
  readonly closed?: number;
  readonly pong?: string;
}

function open(target: string, protocols: string[], headers: Record<string, string>): Promise<Seen> {
  const { pki, listening } = server;
  const tls = { ca: pki?.ca, cert: pki?.admin.certificate, key: pki?.admin.key };
  const socket = new WebSocket(`${listening?.url.replace('https', 'wss')}${target}`, protocols, { ...tls, headers });
  return new Promise((resolve, reject) => {
    const messages: Seen['messages'][number][] = [];
    let pong: string | undefined;
    socket.on('open', () => socket.ping('hi'));
    socket.on('pong', (data) => {
      pong = data.toString();
    });
    socket.on('message', (data, binary) => Buffer.isBuffer(data) && messages.push({ data, binary }));
    socket.on('close', (closed) => resolve({ messages, closed, protocol: socket.protocol, ...(pong && { pong }) }));
    socket.on('unexpected-response', (_, response) => {
      response.resume();
      resolve({ refused: response.statusCode ?? 0, messages });
    });
    socket.on('error', reject);
  });
}

const origin = { origin: 'http://localhost' };

it('sends an event a message, answers pings, and closes when the time is over', async () => {
  const seen = await open(watch, [], origin);
  expect(seen).toMatchObject({ closed: 1000, pong: 'hi', protocol: '' });
  expect(seen.messages).toHaveLength(1);
  expect(seen.messages[0]?.binary).toBe(false);
  expect(JSON.parse(String(seen.messages[0]?.data))).toMatchObject({ type: 'ADDED', object: { data: { x: 'y' } } });
});

it('speaks protobuf in binary messages without a length before them', async () => {
  const { messages } = await open(watch, [], { ...origin, accept: 'application/vnd.kubernetes.protobuf' });
  expect(messages[0]?.binary).toBe(true);
  expect(messages[0]?.data.subarray(0, 7).toString('latin1')).toBe('\n\x05ADDED');
});

it('agrees to one sub-protocol, whatever its name', async () => {
  expect((await open(watch, ['binary.k8s.io'], origin)).protocol).toBe('binary.k8s.io');
  expect((await open(watch, ['binary.k8s.io', 'base64.binary.k8s.io'], origin)).refused).toBe(400);
});

it('wants to know where the page came from, and what it cannot send', async () => {
  expect((await open(watch, [], {})).refused).toBe(403);
  expect((await open(watch, [], { ...origin, accept: 'application/yaml' })).refused).toBe(406);
  expect((await open(watch.replace('configmaps', 'nope'), [], origin)).refused).toBe(404);
});

it('answers what is no watch as if nobody had asked for a socket', async () => {
  expect((await open(path, [], origin)).refused).toBe(200);
  expect((await open('/healthz', [], origin)).refused).toBe(200);
});

import { connect as connectHttp2 } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { ConfigMap, systemClock } from '@keelson/core';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

const produced = 10_000;
const path = '/api/v1/namespaces/default/configmaps?watch=1';

let server: TestApiServer;
let clock: FakeClock;
beforeEach(async () => {
  clock = new FakeClock(systemClock.now());
  server = await startTestApiServer({ socket: true, clock });
});
afterEach(() => server.stop());

const identity = () => ({ ca: server.pki?.ca, cert: server.pki?.admin.certificate, key: server.pki?.admin.key });

async function watchOverHttp1(onText: (text: string) => void): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: server.listening?.port ?? 0, ...identity() });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  socket.on('error', () => socket.destroy());
  const answered = new Promise((resolve) => socket.once('data', resolve));
  socket.setEncoding('utf8').on('data', onText);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await answered;
  return socket;
}

const count = (text: string) => text.split('"type":"').length - 1;

it('cuts off a client that does not read; the others miss nothing', async () => {
  const got = { slow: 0, http1: 0, http2: 0 };
  const slow = await watchOverHttp1((text) => {
    got.slow += count(text);
  });
  const reader = await watchOverHttp1((text) => {
    got.http1 += count(text);
  });
  const session = connectHttp2(server.listening?.url ?? '', identity());
  const stream = session.request({ ':path': path });
  await new Promise((resolve) => stream.once('response', resolve));
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    got.http2 += lines.length;
  });
  slow.pause();

  const padding = 'x'.repeat(2000);
  let object = await server.client.create(ConfigMap, {
    metadata: { name: 'busy', namespace: 'default' },
    data: { padding },
  });
  for (let index = 1; index < produced; index++) {
    object = await server.client.update(ConfigMap, { ...object, data: { padding, index: String(index) } });
  }
  await waitFor(() => got.http2 === produced && got.http1 >= produced * 0.99, { timeoutMs: 30_000 });

  await clock.advance(29_000);
  expect(slow.destroyed).toBe(false);
  await clock.advance(2_000);
  const closed = new Promise((resolve) => slow.once('close', resolve));
  slow.resume();
  await closed;
  // It got what had found room in the buffers of the sockets; for the rest nothing was written.
  expect(got.slow).toBeLessThan(produced / 2);

  await server.client.update(ConfigMap, { ...object, data: { last: 'yes' } });
  await waitFor(() => got.http2 === produced + 1);
  reader.destroy();
  session.destroy();
});

import { connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { ConfigMap, type Logger, Namespace, systemClock } from '@keelson/core';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer, type TestApiServerOptions } from './index.ts';

let server: TestApiServer;
const start = async (options: Partial<TestApiServerOptions> = {}) => {
  server = await startTestApiServer({ socket: true, ...options });
};
afterEach(() => server.stop());

const port = () => server.listening?.port ?? 0;
const identity = () => ({ ca: server.pki?.ca, cert: server.pki?.admin.certificate, key: server.pki?.admin.key });

interface Talk {
  readonly socket: TLSSocket;
  text(): string;
  readonly closed: Promise<string>;
}

/** Says something over a connection of its own and collects what comes back. */
async function talk(text: string): Promise<Talk> {
  const socket = connect({ host: '127.0.0.1', port: port(), ...identity() });
  let seen = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    seen += chunk;
  });
  socket.on('error', () => socket.destroy());
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(seen)));
  await Promise.race([closed, new Promise((resolve) => socket.once('secureConnect', resolve))]);
  socket.write(text);
  return { socket, text: () => seen, closed };
}

const ask = async (text: string) => (await talk(text)).closed;
const close = 'host: x\r\nconnection: close\r\n\r\n';
const stillServes = async () => expect((await server.client.list(Namespace)).items.length).toBeGreaterThan(0);
const status = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));

describe('what is read of a request', () => {
  it('takes a line and headers of up to a megabyte, as Go does', async () => {
    await start();
    const long = 'a'.repeat(900_000);
    expect(await ask(`GET /version?x=${long} HTTP/1.1\r\n${close}`)).toContain('HTTP/1.1 200');
    expect(await ask(`GET /version HTTP/1.1\r\nx-long: ${long}\r\n${close}`)).toContain('HTTP/1.1 200');
    const refused = await ask(`GET /version HTTP/1.1\r\nx-long: ${'a'.repeat(1_100_000)}\r\n${close}`);
    expect(refused).toContain('HTTP/1.1 431');
    expect(status(refused)).toMatchObject({ kind: 'Status', code: 431, reason: 'RequestHeaderFieldsTooLarge' });
  });

  it('counts every header, the last one of thousands too', async () => {
    await start();
    const many = Array.from({ length: 5000 }, (_, at) => `x-${at}: a\r\n`).join('');
    const answer = await ask(`GET /api/v1/namespaces HTTP/1.1\r\n${many}impersonate-user: nobody\r\n${close}`);
    expect(status(answer)).toMatchObject({ code: 403, reason: 'Forbidden' });
  });

  it('says what is wrong with what is no HTTP', async () => {
    await start();
    expect(status(await ask('nonsense\r\n\r\n'))).toMatchObject({ kind: 'Status', code: 400, reason: 'BadRequest' });
    expect(status(await ask(`GET /version HTTP/1.1\r\nexpect: much\r\n${close}`))).toMatchObject({ code: 417 });
    expect(status(await ask(`CONNECT /api/v1/pods HTTP/1.1\r\n${close}`))).toMatchObject({ code: 405 });
    await stillServes();
  });

  it('does not wait for headers for ever, nor keeps idle connections', async () => {
    await start({ limits: { connections: { headersMs: 200, idleMs: 200, checkMs: 50 } } });
    const slow = await talk('GET /version HTTP/1.1\r\nx-');
    expect(status(await slow.closed)).toMatchObject({ code: 408, reason: 'Timeout' });
    const mute = connectTcp(port(), '127.0.0.1');
    await new Promise((resolve) => mute.once('error', resolve).once('close', resolve).resume());
    const silent = await talk('');
    await silent.closed;
    const idle = await talk('GET /version HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(await idle.closed).toContain('HTTP/1.1 200');
    const session = connectHttp2(server.listening?.url ?? '', identity());
    await new Promise((resolve) => session.once('close', resolve));
  });

  it('does not wait for a body for ever', async () => {
    const clock = new FakeClock(systemClock.now());
    await start({ clock });
    const head =
      'POST /api/v1/namespaces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n';
    const slow = await talk(`${head}{"a":`);
    await waitFor(async () => (await metric('apiserver_current_inflight_requests{request_kind="mutating"}')) === 1);
    await clock.advance(61_000);
    await waitFor(() => slow.text().includes('"reason":"Timeout"'));
    slow.socket.destroy();
    await waitFor(async () => (await metric('apiserver_current_inflight_requests{request_kind="mutating"}')) === 0);
  });

  it('takes so many connections and no more', async () => {
    await start({ limits: { connections: { connections: 2 } } });
    const first = await talk(`GET /version HTTP/1.1\r\nhost: x\r\n\r\n`);
    const second = await talk(`GET /version HTTP/1.1\r\nhost: x\r\n\r\n`);
    const refused = connect({ host: '127.0.0.1', port: port(), ...identity() });
    refused.on('error', () => refused.destroy());
    await new Promise((resolve) => refused.once('close', resolve));
    first.socket.destroy();
    second.socket.destroy();
    await waitFor(async () => (await ask(`GET /version HTTP/1.1\r\n${close}`)).includes('200'));
  });
});

async function metric(name: string): Promise<number> {
  const text = await server.server.metrics.text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

describe('a client that goes', () => {
  it.each([
    ['in the middle of its headers', 'POST /api/v1/namespaces HTTP/1.1\r\nhos'],
    [
      'in the middle of its body',
      'POST /api/v1/namespaces HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{"metadata":',
    ],
    [
      'in the middle of a chunk',
      'POST /api/v1/namespaces HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{',
    ],
    ['right after it asked', 'GET /openapi/v2 HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['while it watches', 'GET /api/v1/pods?watch=1 HTTP/1.1\r\nhost: x\r\n\r\n'],
    [
      'while it watches over a WebSocket',
      'GET /api/v1/pods?watch=1 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\norigin: http://x\r\n' +
        'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    ],
    [
      'without a key for its WebSocket',
      'GET /api/v1/pods?watch=1 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\norigin: http://x\r\n\r\n',
    ],
  ])('leaves nothing behind: %s', async (_, text) => {
    const errors: string[] = [];
    await start({ logger: loggerOf(errors) });
    for (let each = 0; each < 5; each++) {
      const { socket, closed } = await talk(text);
      await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
      await closed;
    }
    await waitFor(async () => {
      const text = await server.server.metrics.text();
      const open = [...text.matchAll(/^apiserver_(?:current_inflight|longrunning)_requests\{.*\} (\d+)$/gm)];
      return open.every(([, count]) => count === '0');
    });
    expect(errors).toEqual([]);
    await stillServes();
  });
});

function loggerOf(errors: string[]): Logger {
  const quiet = () => undefined;
  const error = (message: string) => void errors.push(message);
  const logger: Logger = { debug: quiet, info: quiet, warn: quiet, error, named: () => logger };
  return logger;
}

describe('a body that nobody reads', () => {
  it('does not stay in the connection over HTTP/2', async () => {
    await start();
    const session = connectHttp2(server.listening?.url ?? '', identity());
    const body = Buffer.alloc(1_500_000, 'x');
    for (let each = 0; each < 60; each++) {
      const stream = session.request({ ':method': 'POST', ':path': '/api/v1/namespaces/default/configmaps/x' });
      stream.on('error', () => undefined).resume();
      const code = new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])));
      stream.end(body);
      expect(await code).toBe(405);
      await new Promise((resolve) => stream.once('close', resolve));
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    }
    session.destroy();
  });
});

describe('warnings', () => {
  it('are shortened where they would be longer than headers may be', async () => {
    await start();
    const object = { metadata: { name: 'x' }, [`x${'y'.repeat(90_000)}`]: 1, ['z'.repeat(300)]: 2 };
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', ...object });
    const answer = await ask(
      `POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n${close}${body}`,
    );
    const warnings = [...answer.matchAll(/^warning: 299 - "(.*)"\r$/gim)].map(([, text = '']) => text);
    expect(warnings.map((each) => each.replaceAll('\\', '').length)).toEqual([256, 256]);
    expect((await server.client.get(ConfigMap, { name: 'x', namespace: 'default' })).metadata.name).toBe('x');
  });
});

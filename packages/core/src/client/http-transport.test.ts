import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createSecureServer, type Http2ServerRequest } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createFront, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { alice, server as serverPair } from '../../test/fixtures/certificates.ts';
import { ConfigMap } from '../api/index.ts';
import { FakeClock, waitFor } from '../testing/index.ts';
import type { ClientConfig } from './client-config.ts';
import { ConnectionError } from './connection-error.ts';
import { createClient } from './create-client.ts';
import { type HttpTransport, type HttpTransportOptions, httpTransport } from './http-transport.ts';

type Request = IncomingMessage | Http2ServerRequest;
/** What answers of both protocols have in common. */
interface Response {
  writeHead(code: number, headers?: Record<string, string>): unknown;
  write(chunk: string): unknown;
  end(): unknown;
  end(chunk: string): unknown;
  on(event: 'close', listener: () => void): unknown;
}
type Handler = (request: Request, response: Response) => void;

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const each of cleanups.splice(0).toReversed()) await each();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return address.port;
}

/** A server that speaks HTTP/2 and HTTP/1.1 over TLS, as an API server does, and a transport to it. */
async function secure(handler: Handler, config: Partial<ClientConfig> = {}, options: HttpTransportOptions = {}) {
  const server = createSecureServer(
    { ...serverPair, allowHTTP1: true, requestCert: true, rejectUnauthorized: false, ca: [alice.cert] },
    (request, response) => handler(request, response),
  );
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('secureConnection', (socket) => sessions.add(socket));
  const port = await listen(server);
  const transport = httpTransport({ server: `https://127.0.0.1:${port}`, ca: serverPair.cert, ...config }, options);
  cleanups.push(
    () => transport.close(),
    () => {
      for (const each of sessions) each.destroy();
      server.close();
    },
  );
  return { transport, client: createClient(transport), sessions, server, port };
}

/** A server behind something that can keep all that comes, as a half-open connection does. */
async function freezable(handler: Handler) {
  const { port } = await secure(handler);
  const pairs: { readonly outer: Socket; readonly inner: Socket }[] = [];
  let frozen = false;
  const front = createFront((outer) => {
    const inner = connect(port, '127.0.0.1');
    for (const each of [outer, inner]) each.on('error', () => each.destroy());
    pairs.push({ outer, inner });
    if (!frozen) outer.pipe(inner).pipe(outer);
  });
  cleanups.push(() => {
    for (const { outer, inner } of pairs) for (const each of [outer, inner]) each.destroy();
    front.close();
  });
  const freeze = ({ newOnes = false } = {}) => {
    frozen = newOnes;
    for (const { outer, inner } of pairs) {
      outer.unpipe(inner);
      inner.unpipe(outer);
    }
  };
  return { port: await listen(front), freeze };
}

const json = (response: Response, code: number, body: object, headers: Record<string, string> = {}) => {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};
const configMap = (name: string, resourceVersion = '1') => ({ metadata: { name, namespace: 'ns', resourceVersion } });

describe.each<['h2' | 'http/1.1', string]>([
  ['h2', '2.0'],
  ['http/1.1', '1.1'],
])('httpTransport over %s', (protocol, version) => {
  const options: HttpTransportOptions = protocol === 'h2' ? {} : { protocol };

  it('asks and gets answers, with the user proved by certificate, token or password', async () => {
    const seen: { version: string; authorization: string | undefined; user: string | undefined }[] = [];
    const handler: Handler = (request, response) => {
      const socket = 'stream' in request ? request.stream.session?.socket : request.socket;
      const peer = socket instanceof TLSSocket ? socket.getPeerCertificate().subject?.CN : undefined;
      seen.push({ version: request.httpVersion, authorization: request.headers.authorization, user: peer?.toString() });
      json(response, 200, configMap('a'));
    };
    for (const config of [alice, { token: 'secret' }, { username: 'bob', password: 'pw' }]) {
      const { client } = await secure(handler, config, options);
      expect((await client.get(ConfigMap, { name: 'a', namespace: 'ns' })).metadata.name).toBe('a');
    }
    expect(seen).toEqual([
      { version, authorization: undefined, user: 'alice' },
      { version, authorization: 'Bearer secret', user: undefined },
      { version, authorization: `Basic ${Buffer.from('bob:pw').toString('base64')}`, user: undefined },
    ]);
  });

  it('refuses a server that it cannot trust, unless told not to care', async () => {
    const handler: Handler = (_, response) => json(response, 200, configMap('a'));
    const untrusted = await secure(handler, { ca: alice.cert }, options);
    await expect(untrusted.client.get(ConfigMap, { name: 'a' })).rejects.toThrow(ConnectionError);
    const careless = await secure(handler, { ca: alice.cert, insecureSkipTlsVerify: true }, options);
    expect((await careless.client.get(ConfigMap, { name: 'a' })).metadata.name).toBe('a');
    const misnamed = await secure(handler, { tlsServerName: 'elsewhere' }, options);
    await expect(misnamed.client.get(ConfigMap, { name: 'a' })).rejects.toThrow('elsewhere');
  });

  it('turns a Status into a StatusError, with the time to wait', async () => {
    const { client } = await secure(
      (_, response) =>
        json(
          response,
          429,
          { kind: 'Status', reason: 'TooManyRequests', message: 'slow', code: 429 },
          { 'retry-after': '2' },
        ),
      {},
      options,
    );
    const error = await client.get(ConfigMap, { name: 'a' }).catch((each: unknown) => each);
    expect(error).toMatchObject({ name: 'StatusError', code: 429, status: { details: { retryAfterSeconds: 2 } } });
  });

  it('sends bodies, prefixes of paths, impersonation, and reads big answers', async () => {
    let body = '';
    let headers: Request['headers'] = {};
    const big = { ...configMap('a'), data: { x: 'é'.repeat(3_000_000) } };
    const handler: Handler = (request, response) => {
      headers = request.headers;
      request.setEncoding('utf8');
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => json(response, 201, big));
    };
    const { transport } = await secure(handler, { impersonate: { user: 'carol', groups: ['a', 'b'] } }, options);
    const answer = await createClient(transport).create(ConfigMap, {
      metadata: { name: 'a' },
      data: { y: 'ü'.repeat(100_000) },
    });
    expect(answer.data?.['x']?.length).toBe(3_000_000);
    expect(JSON.parse(body)).toMatchObject({ kind: 'ConfigMap', data: { y: 'ü'.repeat(100_000) } });
    expect(headers).toMatchObject({ 'impersonate-user': 'carol', 'impersonate-group': 'a, b' });
  });

  it('watches: events in order, a bookmark, the usual end', async () => {
    const { client } = await secure(
      (request, response) => {
        expect(request.url).toContain('watch=true');
        response.writeHead(200, { 'content-type': 'application/json' });
        for (let each = 0; each < 500; each += 1) {
          response.write(`${JSON.stringify({ type: 'ADDED', object: configMap(`c${each}`) })}\n`);
        }
        response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } })}\n`);
        response.end();
      },
      {},
      options,
    );
    const names: string[] = [];
    for await (const { type, object } of client.watch(ConfigMap)) names.push(`${type} ${object.metadata.name}`);
    expect(names.length).toBe(501);
    expect(names[499]).toBe('ADDED c499');
  });

  it('watches: an ERROR event is thrown, and so is a refusal', async () => {
    const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
    const { client } = await secure(
      (request, response) => {
        if (request.url?.includes('resourceVersion=1'))
          return json(response, 403, { kind: 'Status', code: 403, reason: 'Forbidden', message: 'no' });
        response.writeHead(200);
        response.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`);
      },
      {},
      options,
    );
    const read = async (resourceVersion: string) => {
      for await (const event of client.watch(ConfigMap, { resourceVersion })) expect(event).toBeUndefined();
    };
    await expect(read('2')).rejects.toMatchObject({ code: 410, reason: 'Expired' });
    await expect(read('1')).rejects.toMatchObject({ code: 403 });
  });

  it('watches: ends with the reason of an abort, and lets go of the stream when the loop is left', async () => {
    let open = 0;
    const { client } = await secure(
      (_, response) => {
        open += 1;
        response.on('close', () => (open -= 1));
        response.writeHead(200);
        response.write(`${JSON.stringify({ type: 'ADDED', object: configMap('a') })}\n`);
      },
      {},
      options,
    );
    const abort = new AbortController();
    const read = async () => {
      for await (const _ of client.watch(ConfigMap, { signal: abort.signal })) abort.abort(new Error('enough'));
    };
    await expect(read()).rejects.toThrow('enough');
    for await (const _ of client.watch(ConfigMap)) break;
    await waitFor(() => open === 0);
  });

  it('watches: a lost connection and a silent one are errors, and the next watch connects anew', async () => {
    const { client, sessions } = await secure(
      (_, response) => {
        response.writeHead(200);
        response.write(`${JSON.stringify({ type: 'ADDED', object: configMap('a') })}\n`);
      },
      {},
      { ...options, watchIdleMs: 150 },
    );
    const read = async (allowWatchBookmarks: boolean, first: () => void) => {
      for await (const _ of client.watch(ConfigMap, { allowWatchBookmarks })) first();
    };
    const cut = () => {
      for (const each of sessions) each.destroy();
      sessions.clear();
    };
    await expect(read(false, cut)).rejects.toThrow(ConnectionError);
    await expect(read(true, () => undefined)).rejects.toThrow('nothing came for 0.15 s');
  });

  it('gives up a request that is aborted, or not answered in time', async () => {
    const { client } = await secure(() => undefined, {}, { ...options, requestTimeoutMs: 100 });
    const abort = new AbortController();
    const asked = client.get(ConfigMap, { name: 'a' }, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toThrow('no answer within 0.1 s');
  });

  it('survives a server that closes its connections between requests', async () => {
    const { client, sessions } = await secure((_, response) => json(response, 200, configMap('a')), {}, options);
    for (let each = 0; each < 5; each += 1) {
      await client.get(ConfigMap, { name: 'a' });
      for (const session of sessions) session.destroy();
      sessions.clear();
      await waitFor(async () => (await client.get(ConfigMap, { name: 'a' })).metadata.name === 'a');
    }
  });
});

describe('httpTransport', () => {
  it('says what to look at where there is no connection', async () => {
    const says = async (config: ClientConfig) => {
      const transport = httpTransport(config);
      cleanups.push(() => transport.close());
      const failed: unknown = await createClient(transport)
        .get(ConfigMap, { name: 'a' })
        .catch((error: unknown) => error);
      return failed instanceof ConnectionError ? failed.message : failed;
    };
    const { port } = await secure(() => undefined);
    const plain = createServer((_, response) => response.end());
    const plainPort = await listen(plain);
    cleanups.push(() => void plain.close());
    const free = createFront();
    const freePort = await listen(free);
    await new Promise((closed) => free.close(closed));
    expect(await says({ server: `https://127.0.0.1:${freePort}`, ca: serverPair.cert })).toMatch(
      /ECONNREFUSED.* \(does the API server run, and is its address right\?\)$/,
    );
    expect(await says({ server: `https://127.0.0.1:${port}`, ca: alice.cert })).toContain(
      '(its certificate is of another authority than the kubeconfig names in certificate-authority)',
    );
    expect(await says({ server: `https://127.0.0.1:${plainPort}` })).toContain(
      '(no TLS is spoken there: does its address begin with http:?)',
    );
    expect(await says({ server: 'https://nowhere.invalid' })).toContain(
      "(no such name is known: look at the server's address in the kubeconfig)",
    );
  });

  it('tells of a client certificate that has expired where it is not let in', async () => {
    const at = Date.parse('2300-01-01T00:00:00Z');
    const refuse: Handler = (_, response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', code: 401, reason: 'Unauthorized', message: 'Unauthorized' }));
    };
    const { client } = await secure(refuse, alice);
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toThrow(/^Unauthorized$/);
    const { client: late } = await secure(refuse, alice, { clock: new FakeClock(at) });
    await expect(late.get(ConfigMap, { name: 'a' })).rejects.toThrow(
      'Unauthorized: the client certificate has expired, on Oct 28 03:32:25 2126 GMT',
    );
  });

  it('gives others their turn where much of a watch lies ready at once', async () => {
    const line = `${JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'x' }, data: { y: 'y'.repeat(8_000) } } })}\n`;
    const sent = 400;
    let flushed = false;
    const { client } = await secure((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(line);
      response.on('close', () => {
        flushed = true;
      });
      response.end(line.repeat(sent));
    });
    let events = 0;
    let sinceTurn = 0;
    let most = 0;
    for await (const batch of client.watchBatches(ConfigMap, {})) {
      // All that comes is there before the rest is looked at.
      if (events === 0) await waitFor(() => flushed);
      if (sinceTurn === 0) {
        setImmediate(() => {
          sinceTurn = 0;
        });
      }
      events += batch.length;
      sinceTurn += batch.length;
      most = Math.max(most, sinceTurn);
    }
    expect(events).toBe(sent + 1);
    expect(most * line.length).toBeLessThan(600_000);
  });

  it('finds out by pings that a connection is half-open, and goes on with another', async () => {
    const { port, freeze } = await freezable((_, response) => json(response, 200, configMap('a')));
    const transport = httpTransport(
      { server: `https://127.0.0.1:${port}`, ca: serverPair.cert },
      { pingEveryMs: 50, pingTimeoutMs: 50 },
    );
    cleanups.push(() => transport.close());
    const client = createClient(transport);
    await client.get(ConfigMap, { name: 'a' });
    freeze();
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toThrow('the connection did not answer within 0.05 s');
    expect((await client.get(ConfigMap, { name: 'a' })).metadata.name).toBe('a');
  });

  it('gives up at once when aborted while it waits for a connection', async () => {
    const { port, freeze } = await freezable((_, response) => json(response, 200, configMap('a')));
    const transport = httpTransport(
      { server: `https://127.0.0.1:${port}`, ca: serverPair.cert },
      { pingEveryMs: 50, pingTimeoutMs: 50 },
    );
    cleanups.push(() => transport.close());
    const client = createClient(transport);
    await client.get(ConfigMap, { name: 'a' });
    freeze({ newOnes: true });
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toThrow('the connection did not answer');
    const abort = new AbortController();
    const asked = client.get(ConfigMap, { name: 'a' }, { signal: abort.signal });
    await turnOfEventLoop();
    abort.abort(new Error('enough'));
    const began = performance.now();
    await expect(asked).rejects.toThrow('enough');
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('leaves no failure behind that nobody hears of when it is aborted before it asks', async () => {
    const client = createClient(httpTransport({ server: 'https://127.0.0.1:1' }));
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    const { signal } = abort;
    await expect(client.get(ConfigMap, { name: 'a' }, { signal })).rejects.toThrow('enough');
    await expect(client.watch(ConfigMap, { signal })[Symbol.asyncIterator]().next()).rejects.toThrow('enough');
    // What happens to the connection comes later: an unhandled rejection would fail this file.
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toThrow('ECONNREFUSED');
  });

  it('asks what the server speaks when it comes back', async () => {
    const { client, sessions, server, port } = await secure((request, response) =>
      json(response, 200, configMap(request.httpVersion)),
    );
    const version = async () => (await client.get(ConfigMap, { name: 'a' })).metadata.name;
    expect(await version()).toBe('2.0');
    for (const each of sessions) each.destroy();
    await new Promise((resolve) => server.close(resolve));
    const older = createHttpsServer({ ...serverPair }, (_, response) => json(response, 200, configMap('1.1')));
    await new Promise<void>((resolve) => older.listen(port, '127.0.0.1', resolve));
    cleanups.push(() => {
      older.closeAllConnections();
      older.close();
    });
    await waitFor(async () => (await version()) === '1.1');
  });

  it('holds more watches than one connection takes', async () => {
    const { transport, client, sessions } = await secure((_, response) => {
      response.writeHead(200);
      response.write(`${JSON.stringify({ type: 'ADDED', object: configMap('a') })}\n`);
    });
    const abort = new AbortController();
    let first = 0;
    const watches = Array.from({ length: 250 }, async () => {
      try {
        for await (const _ of client.watch(ConfigMap, { signal: abort.signal })) first += 1;
      } catch (error) {
        if (!abort.signal.aborted) throw error;
      }
    });
    await waitFor(() => first === 250);
    expect([...sessions].filter((each) => !(each instanceof TLSSocket)).length).toBe(3);
    abort.abort(new Error('enough'));
    await Promise.all(watches);
    transport.close();
  });

  it('speaks plain HTTP where the address says so, below a prefix', async () => {
    const paths: (string | undefined)[] = [];
    const listener: RequestListener = (request, response) => {
      paths.push(request.url);
      response.end('ok');
    };
    const server = createServer(listener);
    const port = await listen(server);
    const transport: HttpTransport = httpTransport({ server: `http://127.0.0.1:${port}/clusters/one/` });
    cleanups.push(
      () => void server.close(),
      () => transport.close(),
    );
    expect(await transport.raw('GET', '/readyz?verbose')).toBe('ok');
    expect(paths).toEqual(['/clusters/one/readyz?verbose']);
  });

  it('says where nobody answers', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const client = createClient(httpTransport({ server: `https://127.0.0.1:${port}` }));
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toThrow(
      `GET 127.0.0.1:${port}/api/v1/namespaces/default/configmaps/a: connect ECONNREFUSED`,
    );
  });

  it('reads a token file again after a refusal', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keelson-token-'));
    cleanups.push(() => rm(dir, { recursive: true }));
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, 'old\n');
    let accepted = 'old';
    const { client } = await secure(
      (request, response) =>
        request.headers.authorization === `Bearer ${accepted}`
          ? json(response, 200, configMap('a'))
          : json(response, 401, { kind: 'Status', code: 401, reason: 'Unauthorized', message: 'Unauthorized' }),
      { tokenFile },
    );
    await client.get(ConfigMap, { name: 'a' });
    accepted = 'new';
    await writeFile(tokenFile, 'new\n');
    await client.get(ConfigMap, { name: 'a' });
    accepted = 'another';
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toMatchObject({ code: 401 });
  });

  it('asks a credential plugin, once while what it gave is good', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keelson-exec-'));
    cleanups.push(() => rm(dir, { recursive: true }));
    const apiVersion = 'client.authentication.k8s.io/v1';
    const print = (status: object) =>
      `#!/bin/sh\necho "$KUBERNETES_EXEC_INFO $EXTRA" >> ${dir}/calls\ncat <<END\n${JSON.stringify({ apiVersion, kind: 'ExecCredential', status })}\nEND\n`;
    const plugin = async (script: string) => {
      await writeFile(join(dir, 'login'), script);
      await chmod(join(dir, 'login'), 0o755);
    };
    const exec = {
      apiVersion,
      command: './login',
      env: [{ name: 'EXTRA', value: 'x' }],
      directory: dir,
      installHint: 'Install it.',
    };
    const handler: Handler = (request, response) =>
      json(response, 200, { ...configMap('a'), data: { said: request.headers.authorization ?? '' } });
    const { client } = await secure(handler, { exec });
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toThrow(
      'credential plugin ./login: not found. Install it.',
    );
    await plugin('#!/bin/sh\necho no >&2\nexit 1\n');
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toThrow('credential plugin ./login: no');
    await plugin('#!/bin/sh\necho hello\n');
    await expect(client.get(ConfigMap, { name: 'a' })).rejects.toThrow('it did not print JSON');
    await plugin(print({ token: 'secret' }));
    for (let each = 0; each < 3; each += 1)
      expect((await client.get(ConfigMap, { name: 'a' })).data).toEqual({ said: 'Bearer secret' });
    await plugin(print({ token: 'brief', expirationTimestamp: '2020-01-01T00:00:00Z' }));
    const other = await secure(handler, { exec });
    for (let each = 0; each < 2; each += 1) await other.client.get(ConfigMap, { name: 'a' });
    const { readFile } = await import('node:fs/promises');
    const calls = (await readFile(join(dir, 'calls'), 'utf8')).trim().split('\n');
    expect(calls.length).toBe(3);
    expect(calls[0]).toBe(`{"apiVersion":"${apiVersion}","kind":"ExecCredential","spec":{"interactive":false}} x`);
  });
});

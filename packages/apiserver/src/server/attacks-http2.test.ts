import { connect as connectHttp2 } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { Namespace } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '../pki/index.ts';
import { startTestApiServer, type TestApiServer } from './index.ts';

/** Frames as an attacker writes them, over a real TLS connection; what it may not do ends its connection and no other. */

let server: TestApiServer;
let joe: KeyPair;

beforeAll(async () => {
  server = await startTestApiServer({ socket: true });
  if (!server.pki) throw new Error('no certificates');
  joe = await server.pki.issueClient({ commonName: 'joe' });
});
afterAll(() => server.stop());

const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 };
const endStream = 1;
const endHeaders = 4;

function frame(type: keyof typeof types, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(types[type], 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
const getOf = (path: string) =>
  Buffer.concat([Buffer.from([0x82, 0x87, 0x04]), text(path), Buffer.from([0x01]), text('x')]);
const get = getOf('/api/v1/namespaces');
const reset = Buffer.from([0, 0, 0, 8]);
const streamsFrom = (first: number, count: number) => Array.from({ length: count }, (_, at) => first + 2 * at);

interface Attack {
  readonly socket: TLSSocket;
  /** The frames that came back, by type, and the error of the last GOAWAY. */
  readonly seen: Record<number, number>;
  error(): number | undefined;
  closed(): boolean;
}

async function attack(identity: KeyPair = joe): Promise<Attack> {
  const socket = connect({
    host: '127.0.0.1',
    port: server.listening?.port ?? 0,
    ca: server.pki?.ca,
    cert: identity.certificate,
    key: identity.key,
    ALPNProtocols: ['h2'],
  });
  let closed = false;
  let error: number | undefined;
  let rest = Buffer.alloc(0);
  const seen: Record<number, number> = {};
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    closed = true;
  });
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const length = rest.readUIntBE(0, 3);
      const type = rest.readUInt8(3);
      seen[type] = (seen[type] ?? 0) + 1;
      if (type === types.goAway) error = rest.readUInt32BE(9 + 4);
      rest = rest.subarray(9 + length);
    }
  });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame('settings', 0, 0)]));
  await waitFor(() => seen[types.settings]);
  return { socket, seen, error: () => error, closed: () => closed };
}

/** Writes what comes until the connection is cut, or all is written. */
async function pour({ socket }: Attack, pieces: Iterable<Buffer>): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    if (socket.write(piece)) continue;
    await new Promise<void>((resolve) => {
      const go = () => {
        socket.off('drain', go).off('close', go);
        resolve();
      };
      socket.once('drain', go).once('close', go);
    });
  }
}

/** How long another's requests take while something is done, at most, in ms. */
async function meanwhile(work: () => Promise<void>): Promise<number> {
  const admin = server.pki?.admin;
  const session = connectHttp2(server.listening?.url ?? '', {
    ca: server.pki?.ca,
    cert: admin?.certificate,
    key: admin?.key,
  });
  let busy = true;
  let longest = 0;
  const asking = (async () => {
    do {
      const begun = performance.now();
      const stream = session.request({ ':path': '/api/v1/namespaces/default' });
      const code = await new Promise((resolve, reject) => {
        stream.once('response', (headers) => resolve(headers[':status'])).once('error', reject);
      });
      await new Promise((resolve) => stream.resume().once('close', resolve));
      expect(code).toBe(200);
      longest = Math.max(longest, performance.now() - begun);
    } while (busy);
  })();
  try {
    await work();
  } finally {
    busy = false;
    await asking;
    session.destroy();
  }
  return longest;
}

async function nothingLeft(): Promise<void> {
  await waitFor(async () => {
    const metrics = await server.server.metrics.text();
    const open = [...metrics.matchAll(/^apiserver_(?:current_inflight|longrunning)_requests\{.*\} (\d+)$/gm)];
    return open.every(([, count]) => count === '0');
  });
  expect((await server.client.list(Namespace)).items.length).toBeGreaterThan(0);
}

/** Far more than a turn of a busy machine, far less than what an attack would take that works. */
const soonMs = 2_000;

describe('floods of HTTP/2 frames', () => {
  it('streams that are reset as soon as they are opened (CVE-2023-44487) end the connection', async () => {
    const one = await attack();
    const longest = await meanwhile(async () => {
      const pairs = (ids: readonly number[]) =>
        Buffer.concat(
          ids.flatMap((id) => [frame('headers', endHeaders | endStream, id, get), frame('reset', 0, id, reset)]),
        );
      await pour(
        one,
        Array.from({ length: 300 }, (_, at) => pairs(streamsFrom(1 + 200 * at, 100))),
      );
      await waitFor(one.closed);
    });
    expect(longest).toBeLessThan(soonMs);
    await nothingLeft();
  });

  it('headers that never end (CONTINUATION without end, CVE-2024-27983) end the connection', async () => {
    const one = await attack();
    const before = process.memoryUsage().rss;
    const longest = await meanwhile(async () => {
      const more = frame(
        'continuation',
        0,
        1,
        Buffer.concat(
          Array.from({ length: 200 }, () => Buffer.concat([Buffer.from([0x00]), text('x-a'), text('b'.repeat(60))])),
        ),
      );
      await pour(one, [frame('headers', endStream, 1, get)]);
      await pour(
        one,
        Array.from({ length: 5_000 }, () => more),
      );
      await waitFor(one.closed);
    });
    expect(longest).toBeLessThan(soonMs);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    await nothingLeft();
  });

  it('settings, and pings, whose answers are not read end the connection', async () => {
    for (const each of [
      frame('settings', 0, 0, Buffer.from([0, 4, 0, 1, 0, 0])),
      frame('ping', 0, 0, Buffer.alloc(8)),
    ]) {
      const one = await attack();
      one.socket.pause();
      const many = Buffer.concat(Array.from({ length: 1000 }, () => each));
      const longest = await meanwhile(async () => {
        await pour(
          one,
          Array.from({ length: 400 }, () => many),
        );
        one.socket.resume();
        await waitFor(one.closed);
      });
      expect(longest).toBeLessThan(soonMs);
      await nothingLeft();
    }
  });

  it('data without content end the connection (CVE-2019-9518)', async () => {
    const one = await attack();
    const post = Buffer.concat([
      Buffer.from([0x83, 0x87, 0x04]),
      text('/api/v1/namespaces'),
      Buffer.from([0x01]),
      text('x'),
    ]);
    await pour(one, [frame('headers', endHeaders, 1, post)]);
    const many = Buffer.concat(Array.from({ length: 1000 }, () => frame('data', 0, 1)));
    const longest = await meanwhile(async () => {
      await pour(
        one,
        Array.from({ length: 100 }, () => many),
      );
      await waitFor(one.closed);
    });
    expect(longest).toBeLessThan(soonMs);
    await nothingLeft();
  });

  it('headers that are small on the wire and large here are refused', async () => {
    const one = await attack();
    // A header of 4 kB, put into the table once and then named by its number.
    const value = Buffer.from('v'.repeat(3900));
    const long = Buffer.concat([Buffer.from([0x40]), text('x-long'), Buffer.from([0x7f, 0xbd, 0x1d]), value]);
    const bomb = Buffer.concat([get, long, Buffer.alloc(10_000, 0xbe)]);
    const before = process.memoryUsage().rss;
    const longest = await meanwhile(async () => {
      for (const id of streamsFrom(1, 200)) await pour(one, [frame('headers', endHeaders | endStream, id, bomb)]);
      await waitFor(() => one.closed() || (one.seen[types.reset] ?? 0) + (one.seen[types.headers] ?? 0) >= 200);
    });
    expect(longest).toBeLessThan(soonMs);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
    one.socket.destroy();
    await nothingLeft();
  });

  it('more streams than are allowed at once are refused', async () => {
    const one = await attack(server.pki?.admin);
    const watch = getOf('/api/v1/namespaces?watch=1');
    const watches = async () => {
      const metrics = await server.server.metrics.text();
      const open = [...metrics.matchAll(/^apiserver_longrunning_requests\{.*verb="WATCH".*\} (\d+)$/gm)];
      return open.reduce((sum, [, count]) => sum + Number(count), 0);
    };
    await pour(
      one,
      streamsFrom(1, 1500).map((id) => frame('headers', endHeaders | endStream, id, watch)),
    );
    await waitFor(async () => one.seen[types.reset] === 500 && (await watches()) === 1000);
    one.socket.destroy();
    await nothingLeft();
  });
});

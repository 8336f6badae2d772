import { connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { deflateSync, constants as zlib } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeaderBlockReader, HeaderBlockWriter } from './header-block.ts';
import { SpdyConnection, type SpdyStream } from './index.ts';
import { spdyDictionary } from './spdy-dictionary.ts';

async function pair(onStream?: (stream: SpdyStream) => void) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const accepted = new Promise<Duplex>((resolve) => server.once('connection', resolve));
  const near = connect({ port, host: '127.0.0.1' });
  const far = await accepted;
  server.close();
  return {
    client: new SpdyConnection(near, { role: 'client' }),
    server: new SpdyConnection(far, { role: 'server', ...(onStream && { onStream }) }),
    near,
    far,
  };
}

const header = fc.string({ unit: 'grapheme-ascii', minLength: 1 }).map((each) => each.toLowerCase());

describe('SPDY header blocks', () => {
  it('reads back what it writes, block after block', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.dictionary(header, fc.string({ unit: 'grapheme' }))), async (blocks) => {
        const writer = new HeaderBlockWriter();
        const reader = new HeaderBlockReader();
        for (const each of blocks) {
          const plain = Object.fromEntries(Object.entries(each).map(([k, v]) => [k, v.replaceAll('\0', '')]));
          expect(await reader.read(writer.write(plain))).toEqual(plain);
        }
        reader.close();
      }),
      { numRuns: 50 },
    );
  });

  it('reads what zlib has compressed with the dictionary', async () => {
    expect(spdyDictionary.length).toBe(1423);
    const plain = Buffer.from([0, 0, 0, 1, 0, 0, 0, 4, 0x68, 0x6f, 0x73, 0x74, 0, 0, 0, 1, 0x78]);
    const block = deflateSync(plain, { dictionary: spdyDictionary, finishFlush: zlib.Z_SYNC_FLUSH });
    const reader = new HeaderBlockReader();
    expect(await reader.read(block)).toEqual({ host: 'x' });
    await expect(reader.read(Buffer.from('no deflate'))).rejects.toThrow('cannot be decompressed');
  });
});

describe('a SPDY connection', () => {
  it('carries streams both ways, and half-closes them', async () => {
    const seen: SpdyStream[] = [];
    const { client, server } = await pair((stream) => {
      seen.push(stream);
      stream.pipe(stream);
    });
    const one = await client.open({ streamType: 'stdin', port: '80' });
    const two = await client.open({ streamtype: 'error' });
    const large = 'x'.repeat(300_000);
    one.end(large);
    two.end('short');
    expect(await Promise.all([text(one), text(two)])).toEqual([large, 'short']);
    expect(seen.map(({ id, headers }) => [id, headers])).toEqual([
      [1, { streamtype: 'stdin', port: '80' }],
      [3, { streamtype: 'error' }],
    ]);
    client.close();
    await Promise.all([client.closed, server.closed]);
  });

  it('waits for a slow reader instead of keeping all that comes', async () => {
    let slow: SpdyStream | undefined;
    const { client } = await pair((stream) => {
      slow = stream;
    });
    const stream = await client.open({});
    let written = 0;
    const pump = () => {
      while (written < 64 * 1024 * 1024) {
        written += 65536;
        if (!stream.write(Buffer.alloc(65536))) return void stream.once('drain', pump);
      }
      stream.end();
    };
    pump();
    await new Promise<void>((resolve) => {
      const look = (before: number) => {
        setTimeout(() => (before === written && written > 0 ? resolve() : look(written)), 50);
      };
      look(-1);
    });
    expect(written).toBeLessThan(32 * 1024 * 1024);
    let size = 0;
    for await (const chunk of slow ?? []) size += (chunk as Buffer).length;
    expect(size).toBe(64 * 1024 * 1024);
    client.destroy();
  });

  it('resets what one side gives up, and ends all streams with the connection', async () => {
    const streams: SpdyStream[] = [];
    const { client, server } = await pair((stream) => streams.push(stream));
    const given = await client.open({ n: '1' });
    await client.open({ n: '2' });
    given.destroy();
    expect(await text(streams[0] as SpdyStream)).toBe('');
    client.destroy();
    expect(await text(streams[1] as SpdyStream)).toBe('');
    await server.closed;
    await expect(server.open({})).rejects.toThrow('closed');
  });

  it('keeps what came whole for readers that are slower than the end of the connection', async () => {
    const streams: SpdyStream[] = [];
    const { client, server } = await pair((stream) => streams.push(stream));
    const stream = await client.open({});
    await new Promise<void>((resolve) => stream.end('x'.repeat(10_000), resolve));
    client.close();
    await server.closed;
    expect((await text(streams[0] as SpdyStream)).length).toBe(10_000);
  });

  it('delivers what has come when its socket is closed while a reader lags behind', async () => {
    const streams: SpdyStream[] = [];
    const { client, far } = await pair((stream) => streams.push(stream));
    const closed = new Promise((resolve) => far.once('close', resolve));
    const stream = await client.open({});
    for (let piece = 0; piece < 14; piece++) stream.write(Buffer.alloc(4096, 'x'));
    await new Promise<void>((resolve) => stream.end(resolve));
    client.close();
    await closed;
    expect((await text(streams[0] as SpdyStream)).length).toBe(14 * 4096);
  });

  it('refuses streams that nobody takes, and what is no SPDY', async () => {
    const { client, server, near } = await pair();
    await expect(client.open({})).rejects.toThrow('reset');
    near.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'.padStart(64, '\x80')));
    await server.closed;
  });
});

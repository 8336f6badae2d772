import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { httpDns, MemoryDns } from './dns.ts';

/** A provider: its API over HTTP, in front of records in memory. */
async function provider() {
  const records = new MemoryDns();
  const server = createServer(async (request, answer) => {
    const host = request.url?.split('/')[2] ?? '';
    try {
      if (request.method === 'PUT') await records.put(JSON.parse(await text(request)));
      if (request.method === 'DELETE') await records.remove(host);
      answer.end(JSON.stringify(await records.list()));
    } catch (error) {
      answer.writeHead(409).end(String(error));
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => server.close() };
}

it('speaks to a provider over HTTP', async () => {
  using there = await provider();
  const dns = httpDns(there.url);
  const record = { host: 'hello.example.com', target: 'hello.default', owner: 'a' };
  await dns.put(record);
  await dns.put(record);
  expect(await dns.list()).toEqual([record]);
  await expect(dns.put({ ...record, owner: 'b' })).rejects.toThrow('answers 409: Error: hello.example.com is taken');
  await dns.remove(record.host);
  await dns.remove(record.host);
  expect(await dns.list()).toEqual([]);
});

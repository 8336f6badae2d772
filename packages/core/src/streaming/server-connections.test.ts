import { once } from 'node:events';
import { createServer, Agent as HttpAgent, request, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { expect, it } from 'vitest';
import { makeCertificate } from '../certificates/index.ts';
import { systemClock } from '../machinery/index.ts';
import { ServerConnections } from './index.ts';

const portOf = (server: { address(): AddressInfo | string | null }) => {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
};

it('ends what nothing is asked on, with or without a handshake, and waits for the rest until it may not', async () => {
  const now = systemClock.now();
  const { certificate, key } = await makeCertificate({
    subject: { commonName: 'localhost' },
    usages: ['server'],
    notBefore: now - 60_000,
    notAfter: now + 3_600_000,
  });
  const server = createSecureServer({ cert: certificate, key }, () => undefined);
  const connections = new ServerConnections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = { port: portOf(server), host: '127.0.0.1' };
  const silent = connect(at);
  const shaken = connectSecurely({ ...at, rejectUnauthorized: false });
  const asking = connectSecurely({ ...at, rejectUnauthorized: false });
  const ended = [silent, shaken, asking].map((each) =>
    once(
      each.on('error', () => undefined),
      'close',
    ),
  );
  await Promise.all([once(silent, 'connect'), once(shaken, 'secureConnect'), once(asking, 'secureConnect')]);
  asking.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(server, 'request');
  const stop = new AbortController();
  const closed = connections.close(stop.signal);
  await Promise.all(ended.slice(0, 2));
  expect(asking.closed).toBe(false);
  stop.abort();
  await Promise.all([closed, ended[2]]);
});

it('lets an answer come whole, and ends its connection then', async () => {
  const waiting: ServerResponse[] = [];
  const server = createServer((_, response) => waiting.push(response));
  const connections = new ServerConnections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new HttpAgent({ keepAlive: true });
  const answer = new Promise<string>((resolve, reject) => {
    request({ port: portOf(server), host: '127.0.0.1', agent }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve(Buffer.concat(parts).toString()));
    })
      .on('error', reject)
      .end();
  });
  await once(server, 'request');
  const closed = connections.close(new AbortController().signal);
  const text = 'x'.repeat(4_000_000);
  waiting[0]?.end(text);
  expect(await answer).toBe(text);
  await closed;
  agent.destroy();
});

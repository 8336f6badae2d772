import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { keptInside } from './kept-inside.ts';

it('opens no connection while it runs, and lets others through afterwards', async () => {
  const server = createServer((_, response) => void response.end('reached')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
  const ask = async () => (await fetch(url)).text();
  const refused = await keptInside(ask).catch((error: unknown) => error);
  expect(refused instanceof Error && String(refused.cause)).toContain('reaches nothing outside of the simulation');
  expect(await ask()).toBe('reached');
  server.close();
});

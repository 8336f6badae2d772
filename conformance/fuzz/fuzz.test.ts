import { startTestApiServer, type TestApiServer } from '@keelson/apiserver';
import type { Logger } from '@keelson/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import type { FuzzServer } from './server.ts';

let server: TestApiServer;
const complaints: string[] = [];
let trace = '';

const quiet = () => undefined;
const logger: Logger = {
  debug: quiet,
  info: quiet,
  warn: quiet,
  error(message, details) {
    if (message === 'a request failed') trace = JSON.stringify(details);
    else complaints.push(`the server said: ${message} ${JSON.stringify(details)}`);
  },
  named: () => logger,
};

beforeAll(async () => {
  server = await startTestApiServer({ socket: true, logger });
});
afterAll(() => server.stop());

const short = Number(process.env['KEELSON_FUZZ_CASES'] ?? 2000);

it(`answers ${short} requests that no sane client sends`, async () => {
  const { listening, pki } = server;
  if (!listening || !pki) throw new Error('the server does not listen');
  const { certificate: cert, key } = pki.admin;
  const self: FuzzServer = {
    address: { host: '127.0.0.1', port: listening.port, ca: pki.ca, cert, key },
    complaint: () => complaints.shift(),
    trace: () => trace,
    alive: () => true,
    collect: () => undefined,
    stop: async () => undefined,
  };
  const seed = Number(process.env['KEELSON_FUZZ_SEED'] ?? 35);
  const { failures, played } = await fuzz({ server: self, renew: async () => self, seed, cases: short });
  expect(failures.map(({ told }) => told)).toEqual([]);
  expect(played).toBeGreaterThanOrEqual(short);
}, 600_000);

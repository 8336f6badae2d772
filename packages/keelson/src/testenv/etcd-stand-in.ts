import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { z } from 'zod';
import { GoFlags } from './go-flags.ts';

/** Where the program beside is told where to keep what it stores. */
const path = '/keelson/data-dir';
const Answer = z.strictObject({ dataDir: z.string().min(1) });
const askMs = 3_000;

export const etcdHelp = `Stands in for etcd beside Keelson's API server: it is healthy, and says where data is kept.

  --data-dir DIR
  --listen-client-urls URL
  --advertise-client-urls URL, --listen-peer-urls URL, --unsafe-no-fsync
      taken, without effect
`;

/** Listens where etcd would, until the signal. Rejects where it cannot. */
export async function runEtcdStandIn(args: readonly string[], signal: AbortSignal): Promise<void> {
  const flags = new GoFlags(args, new Set(['unsafe-no-fsync']));
  const dataDir = resolve(flags.value('data-dir') ?? 'default.etcd');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const { hostname, port, protocol } = new URL(flags.list('listen-client-urls')[0] ?? 'http://127.0.0.1:2379');
  if (protocol !== 'http:') throw new Error('--listen-client-urls: this etcd speaks plain HTTP on loopback only');
  const server = createServer((request, response) => {
    const found = request.method === 'GET' && answers(dataDir).get(request.url ?? '');
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(found || '404 page not found\n');
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(Number(port || 2379), hostname.replace(/^\[|\]$/g, ''), listening);
  });
  if (!signal.aborted) await new Promise((ended) => signal.addEventListener('abort', ended, { once: true }));
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
}

const answers = (dataDir: string): ReadonlyMap<string, string> =>
  new Map([
    ['/health', '{"health":"true","reason":""}'],
    [path, JSON.stringify({ dataDir } satisfies z.infer<typeof Answer>)],
  ]);

/** The directory that a stand-in at this URL names; `undefined`: it is a real etcd. Rejects where nobody answers. */
export async function askDataDir(url: string): Promise<string | undefined> {
  if (!url.startsWith('http://')) return undefined;
  const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(askMs) });
  const text = await response.text();
  return response.ok ? Answer.parse(JSON.parse(text)).dataDir : undefined;
}

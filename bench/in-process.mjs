// What needs no socket: writes through the registry onto the disk, and the start of an API server for a test.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configMap } from './messages.mjs';
import { percentile } from './target.mjs';

const none = () => undefined;
const quiet = { debug: none, info: none, warn: console.error, error: console.error, named: () => quiet };
const load = async () => ({ ...(await import('@keelson/apiserver')), ...(await import('@keelson/core')) });

/** Durable creates of ConfigMaps of 1 kB by 64 writers in the server's own process, for `seconds`. */
export async function inProcessWrites(seconds = 5) {
  const { openLogStorage, ResourceRegistry, inProcessTransport, systemClock, systemRandom } = await load();
  const dir = mkdtempSync(join(tmpdir(), 'keelson-bench-'));
  const storage = await openLogStorage({ dir, clock: systemClock });
  const registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: quiet });
  const { request } = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
  const target = { verb: 'create', group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };
  let next = 0;
  const latencies = [];
  const run = (until, record) =>
    Promise.all(
      Array.from({ length: 64 }, async () => {
        while (performance.now() < until) {
          const from = performance.now();
          await request({ ...target, options: { fieldManager: 'bench' }, body: configMap(`c${next++}`) });
          if (record) latencies.push(performance.now() - from);
        }
      }),
    );
  await run(performance.now() + 1500, false);
  const from = performance.now();
  await run(from + seconds * 1000, true);
  const took = (performance.now() - from) / 1000;
  await registry.close();
  await storage.close();
  rmSync(dir, { recursive: true, force: true });
  latencies.sort((a, b) => a - b);
  return {
    perSecond: Math.round(latencies.length / took),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  };
}

/** Milliseconds until a test has an API server, the import not counted; in fresh processes, sorted. */
export function testServerStarts(times = 5) {
  const self = fileURLToPath(import.meta.url);
  return Array.from({ length: times }, () =>
    Number(spawnSync(process.execPath, [self, 'start'], { encoding: 'utf8' }).stdout),
  ).sort((a, b) => a - b);
}

/** Milliseconds until a test has its next cluster, and a fork of one with 10,000 objects: each many times, sorted. */
export async function testClusterStarts(times = 200) {
  const { testCluster } = await import('@keelson/apiserver/testing');
  const { ConfigMap } = await load();
  const timed = async (start) => {
    const taken = [];
    for (let count = 0; count < times; count++) {
      const from = performance.now();
      const cluster = await start();
      taken.push(performance.now() - from);
      await cluster.stop();
    }
    return taken.sort((a, b) => a - b);
  };
  const filled = await testCluster();
  const further = await timed(() => testCluster());
  await Promise.all(Array.from({ length: 10_000 }, (_, at) => filled.client.create(ConfigMap, configMap(`c${at}`))));
  const forks = await timed(() => filled.fork());
  await filled.stop();
  return { further, forks };
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === 'start') {
  const { startTestApiServer } = await load();
  const from = performance.now();
  const server = await startTestApiServer();
  process.stdout.write(String(performance.now() - from));
  await server.stop();
  process.exit(0);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type Client,
  ConfigMap,
  createClient,
  httpTransport,
  isStatusError,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { InformerFactory } from '@keelson/core/informer';
import { silentLogger } from '@keelson/core/testing';
import { build } from 'tsup';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPki, type Pki } from '../../pki/index.ts';
import { openEtcdStorage } from '../../storage/etcd/etcd-storage.ts';
import { type EtcdCluster, etcdPrograms, startEtcd } from '../../storage/etcd/start-etcd.test-util.ts';
import { type Attempt, contradictions, expectedEvents, type Fact, type Seen } from './model.ts';

/** How long the storm lasts; the long form: KEELSON_FAILOVER_SECONDS=1800. */
const seconds = Number(process.env['KEELSON_FAILOVER_SECONDS'] ?? 25);
const writers = 64;
const namespace = 'default';
const prefix = `/registry/configmaps/${namespace}/`;
const [program = ''] = Object.values(etcdPrograms);

/** An API server in a process of its own. */
class Server {
  readonly url: string;
  readonly client: Client;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  constructor(entry: string, port: number, pkiDir: string, endpoints: readonly string[], pki: Pki) {
    this.url = `https://127.0.0.1:${port}`;
    this.#args = [entry, String(port), pkiDir, ...endpoints];
    const { certificate: cert, key } = pki.admin;
    this.client = createClient(
      httpTransport({ server: this.url, ca: pki.ca, cert, key }, { requestTimeoutMs: 15_000 }),
    );
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [...this.#args], {
      stdio: ['ignore', 'pipe', process.env['KEELSON_FAILOVER_LOG'] ? 'inherit' : 'ignore'],
    });
    this.#child = child;
    for await (const line of createInterface(child.stdout)) if (line === 'ready') return;
    throw new Error(`the API server at ${this.url} did not start`);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

describe.skipIf(program === '')('two API servers on three members of etcd', () => {
  let work: string;
  let out: string;
  let etcd: EtcdCluster;
  let servers: readonly Server[];
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'failover-'));
    const here = dirname(fileURLToPath(import.meta.url));
    out = join(here, `../../../../../node_modules/.cache/failover-${process.pid}`);
    await mkdir(out, { recursive: true });
    await build({
      entry: { server: join(here, 'server.ts') },
      outDir: out,
      outExtension: () => ({ js: '.mjs' }),
      config: false,
      format: ['esm'],
      target: 'node20',
      noExternal: [/^@keelson/],
      external: [/^(?!@keelson)[^./]/],
      esbuildOptions: (options) => {
        options.conditions = ['@keelson/source'];
      },
      silent: true,
    });
    etcd = await startEtcd(program, { members: 3 });
    const pkiDir = join(work, 'pki');
    const pki = await openPki(pkiDir, { clock: systemClock, hosts: ['127.0.0.1'] });
    const ports = [await freePort(), await freePort()];
    servers = ports.map((port) => new Server(join(out, 'server.mjs'), port, pkiDir, etcd.endpoints, pki));
    await Promise.all(servers.map((each) => each.start()));
  });
  afterAll(async () => {
    await Promise.all((servers ?? []).map((each) => each.kill()));
    await etcd?.stop();
    await rm(work, { recursive: true });
    await rm(out, { recursive: true });
  });

  it(
    'lose no acknowledged write and no event while one of all is killed every few seconds',
    async () => {
      const storm = new AbortController();
      const attempts: Attempt[] = [];
      const stale: string[] = [];
      const first = await servers[0]!.client.create(ConfigMap, {
        metadata: { name: 'first', namespace },
        data: { value: 'first' },
      });
      const start = Number(first.metadata.resourceVersion);
      attempts.push({ ...put('first', 'first'), outcome: 'acknowledged', revision: start });
      const watching = new AbortController();
      const watchers = Array.from({ length: 6 }, (_, at) => watcher(at, start, watching.signal));
      const informers = servers.map((each) => {
        const factory = new InformerFactory({
          client: each.client,
          clock: systemClock,
          random: systemRandom,
          logger: silentLogger,
        });
        return { factory, informer: factory.for(ConfigMap, { namespace }) };
      });
      for (const { informer } of informers) await informer.waitForSync();
      const killing = killer(storm.signal);
      const writing = Array.from({ length: writers }, (_, at) => writer(at, attempts, stale, storm.signal));
      await sleep(seconds * 1000);
      storm.abort();
      const kills = await killing;
      await Promise.all(writing);

      const last = await reliably(0, (client) =>
        client.create(ConfigMap, {
          metadata: { generateName: 'last-', namespace },
          data: { value: `last-${Math.random()}` },
        }),
      );
      const end = Number(last.metadata.resourceVersion);
      attempts.push({ ...put(last.metadata.name, last.data?.['value'] ?? ''), outcome: 'acknowledged', revision: end });
      const history = (await truth(etcd.endpoints, start - 1, end)).filter((each) => each.name !== 'kube-root-ca.crt');
      const acknowledged = attempts.filter((each) => each.outcome === 'acknowledged').length;
      const unknown = attempts.filter((each) => each.outcome === 'unknown').length;
      console.log(
        `${kills} kills, ${acknowledged} writes acknowledged, ${unknown} of unknown outcome, ${history.length} facts`,
      );
      expect(acknowledged).toBeGreaterThan(100);
      // The last attempt of unknown outcome may have made an object whose name nobody heard of.
      const named = history.filter((each) => !each.value.startsWith('last-') || each.revision === end);
      expect(contradictions(named, attempts)).toEqual([]);
      expect(stale).toEqual([]);

      const expected = expectedEvents(history, start, end);
      for (const { seen, reached } of watchers) {
        await reached(end);
        expect(seen.filter((each) => each.revision <= end && each.name !== 'kube-root-ca.crt')).toEqual(expected);
      }
      watching.abort();
      const live = new Map<string, number>();
      for (const each of history) {
        if (each.type === 'put') live.set(each.name, each.revision);
        else live.delete(each.name);
      }
      for (const { factory, informer } of informers) {
        await expect
          .poll(
            () =>
              new Map(
                informer.lister
                  .list()
                  .filter((each) => each.metadata.name !== 'kube-root-ca.crt')
                  .map((each) => [each.metadata.name, Number(each.metadata.resourceVersion)]),
              ),
            { timeout: 30_000 },
          )
          .toEqual(live);
        await factory.stop();
      }
    },
    (seconds + 120) * 1000,
  );

  /** Kills one of all, lets the others alone with the load for a while, and starts it again. Resolves to how many. */
  async function killer(signal: AbortSignal): Promise<number> {
    let kills = 0;
    const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
    while (!signal.aborted) {
      await pause(1500);
      if (signal.aborted) break;
      const turn = kills++ % 4;
      const member = etcd.members[kills % 3]!;
      const server = servers[(kills >> 1) % 2]!;
      if (turn === 1) {
        await member.kill();
        await pause(1500);
        await member.start();
      } else if (turn === 3) {
        member.signal('SIGSTOP');
        await pause(2000);
        member.signal('SIGCONT');
      } else {
        await server.kill();
        await pause(500);
        await server.start();
      }
    }
    return kills;
  }

  /** Tries one server and then the other until one answers. Only for what may be done twice. */
  async function reliably<T>(at: number, action: (client: Client) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await action(servers[(at + attempt) % 2]!.client);
      } catch (error) {
        if (attempt > 200 || (isStatusError(error) && error.code < 500)) throw error;
        await sleep(100);
      }
    }
  }

  /** Makes, changes and removes objects of its own, and fights over a few with all others. */
  async function writer(number: number, attempts: Attempt[], stale: string[], signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted; turn++) {
      const at = (number + turn) % 2;
      const name = turn % 5 === 0 ? `shared-${turn % 4}` : `own-${number}-${turn % 3}`;
      const value = `${number}.${turn}`;
      const { client } = servers[at]!;
      let attempt: Attempt | undefined;
      try {
        const current = await client.get(ConfigMap, { name, namespace }).catch((error: unknown) => {
          if (isStatusError(error, 'NotFound')) return undefined;
          throw error;
        });
        if (current && turn % 7 === 0) {
          attempt = { type: 'delete', name, value: '', outcome: 'unknown', uid: current.metadata.uid };
          const { uid } = current.metadata;
          await client.delete(ConfigMap, { name, namespace }, uid ? { preconditions: { uid } } : {});
          attempt = { ...attempt, outcome: 'acknowledged' };
        } else {
          attempt = { ...put(name, value), outcome: 'unknown' };
          const stored = current
            ? await client.update(ConfigMap, { ...current, data: { value } })
            : await client.create(ConfigMap, { metadata: { name, namespace }, data: { value } });
          const revision = Number(stored.metadata.resourceVersion);
          attempt = { ...attempt, outcome: 'acknowledged', revision };
          // Nobody else touches this one: the other server must know of it at once.
          if (name.startsWith('own-')) {
            const read = await servers[1 - at]!.client.get(ConfigMap, { name, namespace }).catch(() => undefined);
            if (read && Number(read.metadata.resourceVersion) < revision) stale.push(`${name} at ${revision}`);
          }
        }
      } catch (error) {
        if (attempt && isStatusError(error) && error.code < 500) attempt = { ...attempt, outcome: 'refused' };
        if (!isStatusError(error) || error.code >= 500) await sleep(100);
      }
      if (attempt && !(attempt.type === 'delete' && attempt.outcome === 'refused')) attempts.push(attempt);
    }
  }

  /** Follows the objects from a revision on, at whichever server there is, from where it was when one went. */
  function watcher(at: number, from: number, signal: AbortSignal) {
    const seen: Seen[] = [];
    let position = from;
    const run = async () => {
      for (let turn = at; !signal.aborted; turn++) {
        try {
          const options = { namespace, resourceVersion: String(position), allowWatchBookmarks: true, signal };
          for await (const { type, object } of servers[turn % 2]!.client.watch(ConfigMap, options)) {
            const revision = Number(object.metadata.resourceVersion);
            if (type !== 'BOOKMARK') seen.push({ type, name: object.metadata.name ?? '', revision });
            position = revision;
          }
        } catch (error) {
          if (isStatusError(error) && error.code === 410) throw error;
          await sleep(50);
        }
      }
    };
    const done = run();
    const reached = async (revision: number) => {
      await Promise.race([done, expect.poll(() => position, { timeout: 60_000 }).toBeGreaterThanOrEqual(revision)]);
    };
    return { seen, reached };
  }
});

const put = (name: string, value: string) => ({ type: 'put' as const, name, value });

/** What really happened: etcd's own history. */
async function truth(endpoints: readonly string[], from: number, to: number): Promise<readonly Fact[]> {
  const storage = await openEtcdStorage({
    endpoints,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    root: prefix,
    compactionInterval: 0,
  });
  const facts: Fact[] = [];
  const enough = new AbortController();
  for await (const batch of storage.watch(prefix, from, enough.signal)) {
    for (const { type, key, revision, entry, previous } of batch) {
      const object: { metadata: { uid: string }; data?: { value?: string } } = JSON.parse(
        Buffer.from((entry ?? previous)?.value ?? '').toString(),
      );
      const value = object.data?.value ?? '';
      facts.push({ type, name: key.slice(prefix.length), uid: object.metadata.uid, revision, value });
    }
    if ((batch.at(-1)?.revision ?? 0) >= to) enough.abort();
  }
  await storage.close();
  return facts;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

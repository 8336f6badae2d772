import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPki, startTestApiServer } from '@keelson/apiserver';
import { loadKubeconfig, systemClock } from '@keelson/core';
import { apiServerOnly } from '../real-control-plane.ts';
import { startReal } from '../twin/real-server.ts';
import type { Upstream } from './proxy.ts';

/** An API server behind the proxies. */
export interface FaultServer {
  readonly about: string;
  readonly upstream: Upstream;
  /** A kubeconfig of an administrator, straight to it. */
  readonly kubeconfig: string;
  /** Kills it without a warning and starts it on its data; it may be found elsewhere then. */
  restart?(): Promise<void>;
  stop(): Promise<void>;
}

const startMs = 60_000;
const program = fileURLToPath(new URL('../run.mjs', import.meta.url));
const bundles = fileURLToPath(new URL('../../node_modules/.cache/keelson-conformance', import.meta.url));

async function upstreamOf(kubeconfig: string): Promise<Upstream> {
  const { server, ca, cert, key } = await loadKubeconfig(kubeconfig);
  if (ca === undefined || cert === undefined || key === undefined)
    throw new Error(`${kubeconfig}: the proxy needs an authority and a client certificate with its key`);
  return { origin: server, ca, cert, key };
}

/** A server that runs already. */
export async function runningServer(kubeconfig: string): Promise<FaultServer> {
  const upstream = await upstreamOf(kubeconfig);
  return { about: `the server of ${kubeconfig}`, upstream, kubeconfig, stop: async () => undefined };
}

/** Keelson's API server in this process, in memory. */
export async function startServerHere(): Promise<FaultServer> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-faults-'));
  const server = await startTestApiServer({ socket: true });
  const kubeconfig = join(dir, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig ?? '', { mode: 0o600 });
  return {
    about: "Keelson's API server in memory",
    upstream: await upstreamOf(kubeconfig),
    kubeconfig,
    async stop() {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** `keelson up` in a process, with its durable store and nothing but the API server. */
export async function startKeelsonServer(): Promise<FaultServer> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-faults-'));
  const config = join(dir, 'keelson.yaml');
  writeFileSync(config, apiServerOnly);
  const kubeconfig = join(dir, 'data/kubeconfig');
  let child: ChildProcess | undefined;
  const start = async () => {
    const log = openSync(join(dir, 'log'), 'a');
    const args = [program, 'keelson', 'up', '--config', config, '--data-dir', join(dir, 'data'), '--port', '0'];
    const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', log] });
    child = started;
    await new Promise<void>((resolve, reject) => {
      let seen = '';
      const fail = (why: string) =>
        reject(new Error(`${why}:\n${seen}${readFileSync(join(dir, 'log'), 'utf8').slice(-2000)}`));
      const late = setTimeout(() => fail('Keelson is not ready'), startMs);
      started.stdout?.on('data', (chunk: Buffer) => {
        if (seen.includes('The cluster is ready')) return;
        seen += chunk.toString();
        if (!seen.includes('The cluster is ready')) return;
        clearTimeout(late);
        resolve();
      });
      started.once('exit', (code, signal) => {
        clearTimeout(late);
        fail(`Keelson ended with ${signal ?? code}`);
      });
    });
  };
  const end = async () => {
    await kill(child, 'SIGKILL');
    // What it was made of on its start, and cannot take away itself.
    if (child?.pid !== undefined) rmSync(join(bundles, `keelson-${child.pid}`), { recursive: true, force: true });
  };
  const server: { -readonly [Name in keyof FaultServer]: FaultServer[Name] } = {
    about: 'Keelson',
    upstream: { origin: '', ca: '', cert: '', key: '' },
    kubeconfig,
    async restart() {
      await end();
      await start();
      server.upstream = await upstreamOf(kubeconfig);
    },
    async stop() {
      await end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await start();
    server.upstream = await upstreamOf(kubeconfig);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** The real kube-apiserver with an etcd of its own. */
export async function startRealServer(): Promise<FaultServer> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-faults-real-'));
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const each of children) await kill(each, 'SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    mkdirSync(dir, { recursive: true });
    const { kubeconfig } = await startReal({ dir, pki: await openPki(undefined, { clock: systemClock }), children });
    const upstream = await upstreamOf(kubeconfig);
    return {
      about: 'the real kube-apiserver',
      upstream,
      kubeconfig,
      async restart() {
        const at = children.findIndex((each) => each.spawnfile.endsWith('kube-apiserver'));
        const before = children[at];
        if (!before) throw new Error('kube-apiserver was not started');
        await kill(before, 'SIGKILL');
        const log = openSync(join(dir, 'kube-apiserver.log'), 'a');
        children[at] = spawn(before.spawnfile, before.spawnargs.slice(1), { stdio: ['ignore', log, log] });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function kill(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

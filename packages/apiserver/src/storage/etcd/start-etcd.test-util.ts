import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Programs to test with: Debian's etcd 3.4, and a newer one where `PEERS_BIN` or the peers' cache has it. */
export const etcdPrograms: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    '3.4': '/usr/bin/etcd',
    '3.6': join(process.env['PEERS_BIN'] ?? join(homedir(), '.cache/peers/bin'), 'etcd'),
  }).filter(([, path]) => existsSync(path)),
);

export interface EtcdMember {
  readonly endpoint: string;
  readonly process: ChildProcess | undefined;
  /** At once, as a crash does it. */
  kill(): Promise<void>;
  /** Stops it from doing anything without ending it, and the other way round. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Starts it again on its data. */
  start(): Promise<void>;
}

export interface EtcdCluster {
  readonly endpoints: readonly string[];
  readonly members: readonly EtcdMember[];
  stop(): Promise<void>;
}

/** Starts a cluster of etcd for tests, on loopback, without waiting for disks. Resolves when it serves. */
export async function startEtcd(
  program: string,
  { members: count = 1, args = [], scheme = 'http' }: EtcdClusterOptions = {},
): Promise<EtcdCluster> {
  const dir = await mkdtemp(join(tmpdir(), 'etcd-'));
  const ports = await freePorts(count * 2);
  const peers = Array.from({ length: count }, (_, at) => `http://127.0.0.1:${ports[count + at]}`);
  const initial = peers.map((url, at) => `m${at}=${url}`).join(',');
  const members = peers.map((peer, at): EtcdMember => {
    const endpoint = `${scheme}://127.0.0.1:${ports[at]}`;
    let child: ChildProcess | undefined;
    return {
      endpoint,
      get process() {
        return child;
      },
      async kill() {
        const killed = child;
        child = undefined;
        if (!killed || killed.exitCode !== null) return;
        const ended = new Promise((resolve) => killed.once('exit', resolve));
        killed.kill('SIGCONT');
        killed.kill('SIGKILL');
        await ended;
      },
      signal: (signal) => void child?.kill(signal),
      async start() {
        child = spawn(
          program,
          [
            ...['--name', `m${at}`, '--data-dir', join(dir, `m${at}`), '--log-level', 'error'],
            ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
            ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
            ...['--initial-cluster', initial, '--unsafe-no-fsync', '--heartbeat-interval', '50'],
            ...['--election-timeout', '300', ...args],
          ],
          { stdio: 'ignore', env: { ETCD_UNSUPPORTED_ARCH: process.arch } },
        );
      },
    };
  });
  for (const each of members) await each.start();
  return {
    endpoints: members.map((each) => each.endpoint),
    members,
    async stop() {
      await Promise.all(members.map((each) => each.kill()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export interface EtcdClusterOptions {
  readonly members?: number;
  readonly args?: readonly string[];
  readonly scheme?: 'http' | 'https';
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((each) => {
    const address = each.address();
    return typeof address === 'object' && address ? address.port : 0;
  });
  await Promise.all(servers.map((each) => new Promise((resolve) => each.close(resolve))));
  return ports;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kubeconfigYaml, openPki, type Pki } from '@keelson/apiserver';
import { systemClock } from '@keelson/core';
import { parse } from 'yaml';
import { binary } from '../binaries.mjs';
import { type Target, Wire } from './http.ts';
import { at, type Json } from './json.ts';

/** The two servers, alike but for what they are. */
export interface Sides {
  readonly real: Wire;
  readonly keelson: Wire;
  readonly dir: string;
  /** Where they are, for a person. */
  readonly about: string;
  /** What Keelson's process said about failures of its own: each once, with how often. */
  complaints(): ReadonlyMap<string, number>;
  /** Whether Keelson's process still runs. */
  alive(): boolean;
  stop(): Promise<void>;
}

export interface SidesOptions {
  /** A kubeconfig of a real server that runs already. */
  readonly oracle?: string;
  /** Versions that Keelson serves besides the stable ones. */
  readonly versions: readonly string[];
}

/** Starts both sides on free ports; a real one that runs already is used as it is. */
export async function startSides({ oracle, versions }: SidesOptions): Promise<Sides> {
  const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keelson-twin-'));
  const children: ChildProcess[] = [];
  // However this process ends, the servers end with it.
  const endAll = () => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('exit', endAll);
  const stop = async () => {
    process.off('exit', endAll);
    for (const child of children.reverse()) await end(child);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const pki = await openPki(undefined, { clock: systemClock });
    const admin = { ca: pki.ca, cert: pki.admin.certificate, key: pki.admin.key };
    const [real, ours] = await Promise.all([
      oracle === undefined ? startReal(dir, pki, children) : targetOf(oracle),
      startKeelson(dir, versions, children),
    ]);
    const realTarget: Target = 'origin' in real ? real : { origin: real.url, tls: admin };
    const keelson = new Wire(targetOf(ours.kubeconfig));
    const realWire = new Wire(realTarget);
    const about = `real ${'origin' in real ? real.origin : `${real.url} (${real.kubeconfig})`}, Keelson ${ours.url} (${ours.kubeconfig})`;
    return {
      real: realWire,
      keelson,
      dir,
      about,
      complaints: () => complaintsIn(readFileSync(join(dir, 'keelson.log'), 'utf8')),
      alive: () => ours.child.exitCode === null,
      async stop() {
        realWire.close();
        keelson.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The distinct complaints in a log in which each begins with `keelson: `. */
export function complaintsIn(log: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const each of log.split(/^keelson: /m).slice(1)) {
    const text = each.trimEnd().slice(0, 1500);
    // Names and paths vary with the case; where it broke does not.
    const place = /packages\/([^\s)']+)/.exec(text)?.[1] ?? '';
    const key = [...found.keys()].find((known) => place !== '' && known.includes(place)) ?? text;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return found;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(hard);
}

async function startKeelson(dir: string, versions: readonly string[], children: ChildProcess[]) {
  const kubeconfig = join(dir, 'keelson.kubeconfig');
  const run = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const log = openSync(join(dir, 'keelson.log'), 'w');
  const child = spawn(
    process.execPath,
    [run, 'keelson-side', '--kubeconfig', kubeconfig, '--versions', versions.join(',')],
    { stdio: ['pipe', 'pipe', log] },
  );
  children.push(child);
  const url = await new Promise<string>((resolve, reject) => {
    let seen = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      const ready = /^ready (\S+)$/m.exec(seen);
      if (ready?.[1]) resolve(ready[1]);
    });
    child.once('exit', (code) =>
      reject(
        new Error(
          `Keelson's API server ended with ${code}:\n${readFileSync(join(dir, 'keelson.log'), 'utf8').slice(-4000)}`,
        ),
      ),
    );
  });
  return { url, kubeconfig, child };
}

async function startReal(dir: string, pki: Pki, children: ChildProcess[]) {
  const [etcd, apiserver] = [binary('etcd'), binary('kube-apiserver')];
  const [clientPort, peerPort, port] = await freePorts(3);
  const file = (name: string, content: string) => {
    writeFileSync(join(dir, name), content, { mode: 0o600 });
    return join(dir, name);
  };
  const start = (name: string, program: string, args: readonly string[]) => {
    const log = openSync(join(dir, `${name}.log`), 'w');
    const child = spawn(program, args, { stdio: ['ignore', log, log] });
    children.push(child);
    return child;
  };
  const url = (at: number | undefined) => `http://127.0.0.1:${at}`;
  start('etcd', etcd, [
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=${url(clientPort)}`,
    `--advertise-client-urls=${url(clientPort)}`,
    `--listen-peer-urls=${url(peerPort)}`,
    `--initial-advertise-peer-urls=${url(peerPort)}`,
    `--initial-cluster=default=${url(peerPort)}`,
    '--unsafe-no-fsync',
  ]);
  const saKey = file('sa.key', pki.serviceAccountKey.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const saPub = file('sa.pub', pki.serviceAccountKey.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  const server = start('kube-apiserver', apiserver, [
    `--etcd-servers=${url(clientPort)}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${file('server.crt', pki.server.certificate)}`,
    `--tls-private-key-file=${file('server.key', pki.server.key)}`,
    `--client-ca-file=${file('ca.crt', pki.ca)}`,
    `--service-account-key-file=${saPub}`,
    `--service-account-signing-key-file=${saKey}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    '--endpoint-reconciler-type=none',
    '--allow-privileged=true',
    '--runtime-config=api/all=true',
    '--disable-admission-plugins=ServiceAccount',
    '--max-requests-inflight=2000',
    '--max-mutating-requests-inflight=2000',
    '--profiling=false',
  ]);
  const origin = `https://127.0.0.1:${port}`;
  const credentials = pki.admin;
  const kubeconfig = file('real.kubeconfig', kubeconfigYaml({ server: origin, ca: pki.ca, credentials }));
  const probe = new Wire({ origin, tls: { ca: pki.ca, cert: credentials.certificate, key: credentials.key } });
  for (const until = Date.now() + 60_000; ; ) {
    const { status } = await probe.request({ method: 'GET', path: '/readyz', headers: {}, body: undefined });
    if (status === 200) break;
    if (server.exitCode !== null || Date.now() > until)
      throw new Error(
        `kube-apiserver did not become ready:\n${readFileSync(join(dir, 'kube-apiserver.log'), 'utf8').slice(-2000)}`,
      );
    await new Promise((wake) => setTimeout(wake, 100));
  }
  probe.close();
  return { url: origin, kubeconfig };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      await new Promise((resolve) => server.close(resolve));
      return typeof address === 'object' && address ? address.port : 0;
    }),
  );
}

/** A cluster by its kubeconfig with a client certificate. */
export function targetOf(kubeconfig: string): Target {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Json;
  const named = (list: string, name: Json | undefined) => {
    const all = at(config, list);
    return Array.isArray(all) ? all.find((each) => at(each, 'name') === name) : undefined;
  };
  const context = named('contexts', at(config, 'current-context'));
  const cluster = named('clusters', at(context, 'context.cluster'));
  const user = named('users', at(context, 'context.user'));
  const material = (from: Json | undefined, path: string) => {
    const inline = at(from, `${path}-data`);
    const named = at(from, path);
    return typeof inline === 'string'
      ? Buffer.from(inline, 'base64')
      : typeof named === 'string'
        ? readFileSync(named)
        : undefined;
  };
  const [ca, cert, key] = [
    material(cluster, 'cluster.certificate-authority'),
    material(user, 'user.client-certificate'),
    material(user, 'user.client-key'),
  ];
  return {
    origin: String(at(cluster, 'cluster.server') ?? ''),
    tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
  };
}

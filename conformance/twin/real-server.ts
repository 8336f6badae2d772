import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { kubeconfigYaml, type Pki } from '@keelson/apiserver';
import { binary } from '../binaries.mjs';
import { Wire } from './http.ts';

export interface RealServerOptions {
  /** Where its files lie; it must exist. */
  readonly dir: string;
  readonly pki: Pki;
  /** What is started is added here, for the caller to `end`. */
  readonly children: ChildProcess[];
  /** Whether etcd waits for the disk, as it does for everybody but a test. Default: it does not. */
  readonly durable?: boolean;
  /** Default: `ServiceAccount`, which makes pods wait for an account that only a controller makes. */
  readonly disableAdmissionPlugins?: readonly string[];
  /** Whether it finds what is behind a Service by endpoints, as where no proxy runs on its machine. Default: it does not. */
  readonly routesToEndpoints?: boolean;
}

/** Starts the real kube-apiserver and an etcd of its own on free ports; resolves when it is ready. */
export async function startReal({
  dir,
  pki,
  children,
  durable = false,
  disableAdmissionPlugins = ['ServiceAccount'],
  routesToEndpoints = false,
}: RealServerOptions) {
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
  const began = performance.now();
  const store = start('etcd', etcd, [
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=${url(clientPort)}`,
    `--advertise-client-urls=${url(clientPort)}`,
    `--listen-peer-urls=${url(peerPort)}`,
    `--initial-advertise-peer-urls=${url(peerPort)}`,
    `--initial-cluster=default=${url(peerPort)}`,
    ...(durable ? [] : ['--unsafe-no-fsync']),
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
    '--authorization-mode=Node,RBAC',
    '--endpoint-reconciler-type=none',
    '--allow-privileged=true',
    '--runtime-config=api/all=true',
    // Beta, and off unless asked for; its API is served all the same.
    '--feature-gates=MutatingAdmissionPolicy=true',
    `--disable-admission-plugins=${disableAdmissionPlugins.join(',')}`,
    ...(routesToEndpoints ? ['--enable-aggregator-routing=true'] : []),
    '--max-requests-inflight=2000',
    '--max-mutating-requests-inflight=2000',
    '--profiling=false',
    ...(durable ? [] : ['--etcd-compaction-interval=0']),
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
    await new Promise((wake) => setTimeout(wake, 20));
  }
  probe.close();
  const readyMs = performance.now() - began;
  return { url: origin, kubeconfig, readyMs, pids: { apiserver: server.pid, etcd: store.pid } };
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

/** Asks a process to end, and makes it after five seconds. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(hard);
}

import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, ci, command, eventually, haveContainerd } from '../../packages/keelson/test/cluster-process.ts';
import { realProgram } from '../clients/real-programs.ts';
import type { Program } from '../operators/program.ts';
import { Containerd, image } from './containerd.ts';
import { kubeconfig, startKubelet } from './kubelet.ts';

const program = realProgram('kubelet');
const able = program !== undefined && haveContainerd && existsSync('/usr/lib/cni/bridge') && existsSync('/bin/busybox');
const name = 'real';
const token = { id: 'judge1', secret: 'abcdef0123456789' };

/** A node that others wrote: Kubernetes' kubelet with Debian's containerd and containers that are real. */
describe.skipIf(!able && !ci)('a kubelet of Kubernetes', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kl-node-'));
  const containerd = new Containerd(dir, `10.216.${process.pid % 250}`);
  let cluster: ClusterProcess;
  let kubelet: Program;

  /** What its credentials of now may do: the answer to a kubectl that uses them. */
  const asNode = (args: string, input?: string) =>
    cluster.tryKubectl(args, input, { KUBECONFIG: join(dir, 'kubelet/kubeconfig') });
  const requests = () =>
    cluster.json<{ items: CertificateRequest[] }>('get csr').then(({ items }) => items);
  const certificate = () =>
    new X509Certificate(readFileSync(join(dir, 'kubelet/pki/kubelet-client-current.pem')));

  beforeAll(async () => {
    await containerd.start();
    cluster = await ClusterProcess.start({
      args: ['--runtime', 'simulated', '--nodes', '0'],
      config: 'controllers: { certificates: { signingDuration: 100s } }\n',
    });
    await cluster.kubectl('apply -f -', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: joining }));
    const view = await cluster.json<Kubeconfig>('config view --raw');
    const { server, 'certificate-authority-data': ca } = view.clusters[0]?.cluster ?? fail('no cluster');
    kubelet = await startKubelet({
      program: program ?? fail('the kubelet is not built'),
      dir: join(dir, 'kubelet'),
      name,
      server,
      ca: Buffer.from(ca, 'base64').toString(),
      bootstrapToken: `${token.id}.${token.secret}`,
      containerdSocket: containerd.socket,
      nodeIp: containerd.nodeIp,
      port: await freePort(),
    });
  });
  afterAll(async () => {
    await kubelet?.stop();
    await containerd.stop();
    await cluster?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  it('joins with a bootstrap token, and gets its certificate without anybody asked', async () => {
    await eventually(() => cluster.json<Node>(`get node ${name}`), ready, `a node: ${kubelet.said.slice(-3000)}`, 60_000);
  }, 90_000);
});

interface CertificateRequest {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly signerName: string; readonly username: string };
  readonly status?: { readonly certificate?: string; readonly conditions?: readonly { readonly type: string }[] };
}
interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
}
interface Node {
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
}

const ready = ({ status }: Node) => status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

/** The token, and what who joins with it may do: as kubernetes.io describes it for TLS bootstrapping. */
const joining = [
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${token.id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': token.id,
      'token-secret': token.secret,
      'usage-bootstrap-authentication': 'true',
      'auth-extra-groups': 'system:bootstrappers:judges',
    },
  },
  ...[
    { role: 'system:node-bootstrapper', group: 'system:bootstrappers:judges' },
    { role: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient', group: 'system:bootstrappers:judges' },
    { role: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', group: 'system:nodes' },
  ].map(({ role, group }, index) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: `joining-${index}` },
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: group }],
    roleRef: { kind: 'ClusterRole', apiGroup: 'rbac.authorization.k8s.io', name: role },
  })),
];

function fail(message: string): never {
  throw new Error(message);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

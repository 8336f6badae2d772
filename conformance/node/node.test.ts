import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ClusterProcess,
  ci,
  command,
  eventually,
  haveContainerd,
} from '../../packages/keelson/test/cluster-process.ts';
import { realProgram } from '../clients/real-programs.ts';
import { Program } from '../operators/program.ts';
import { Containerd, image } from './containerd.ts';
import { KubeProxy } from './kube-proxy.ts';
import { startKubelet } from './kubelet.ts';

const programs = { kubelet: realProgram('kubelet'), kubeProxy: realProgram('kube-proxy') };
const files = ['/usr/lib/cni/bridge', '/bin/busybox', '/usr/sbin/nft'];
const able = Object.values(programs).every(Boolean) && haveContainerd && files.every((each) => existsSync(each));
const name = 'real';
const token = { id: 'judge1', secret: 'abcdef0123456789' };

/** A node that others wrote: Kubernetes' kubelet with Debian's containerd and containers that are real. */
describe.skipIf(!able && !ci)('a kubelet of Kubernetes', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kl-node-'));
  const containerd = new Containerd(dir, `10.216.${process.pid % 250}`);
  let cluster: ClusterProcess;
  let api: { readonly server: string; readonly ca: string };
  let kubelet: Program;
  let proxy: KubeProxy | undefined;
  let port: number;
  let first: X509Certificate;

  /** What its credentials of now may do: the answer to a kubectl that uses them. */
  const asNode = (args: string, input?: string) =>
    cluster.tryKubectl(args, input, { KUBECONFIG: join(dir, 'kubelet/kubeconfig') });
  const requests = () => cluster.json<{ items: CertificateRequest[] }>('get csr').then(({ items }) => items);
  const certificate = () => new X509Certificate(readFileSync(join(dir, 'kubelet/pki/kubelet-client-current.pem')));

  beforeAll(async () => {
    await containerd.start();
    cluster = await ClusterProcess.start({
      args: ['--runtime', 'simulated', '--nodes', '0'],
      config: 'controllers: { certificates: { signingDuration: 100s } }\n',
    });
    await cluster.kubectl('apply -f -', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: joining }));
    const view = await cluster.json<Kubeconfig>('config view --raw');
    const { server, 'certificate-authority-data': ca } = view.clusters[0]?.cluster ?? fail('no cluster');
    api = { server, ca: Buffer.from(ca, 'base64').toString() };
    port = await freePort();
    kubelet = await startKubelet({
      program: programs.kubelet ?? fail('the kubelet is not built'),
      dir: join(dir, 'kubelet'),
      name,
      ...api,
      bootstrapToken: `${token.id}.${token.secret}`,
      containerdSocket: containerd.socket,
      nodeIp: containerd.nodeIp,
      port,
    });
  });
  afterAll(async () => {
    await proxy?.stop();
    // A pod whose end was not waited for would leave its network behind.
    await cluster?.tryKubectl('delete pod site --ignore-not-found --timeout=20s');
    await kubelet?.stop();
    await containerd.stop();
    await cluster?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  it('joins with a bootstrap token, and gets its certificate without anybody asked', async () => {
    await eventually(() => cluster.json<Node>(`get node ${name}`), ready, 'a node that is ready', 60_000).catch(
      (error: Error) => fail(`${error.message}\n${kubelet.said.slice(-3000)}`),
    );
    first = certificate();
    expect(first.subject.split('\n').sort()).toEqual([`CN=system:node:${name}`, 'O=system:nodes']);
    const [request] = (await requests()).filter(({ spec }) => spec.username === `system:bootstrap:${token.id}`);
    expect(request).toMatchObject({
      spec: {
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        groups: ['system:bootstrappers', 'system:bootstrappers:judges', 'system:authenticated'],
      },
      status: { conditions: [{ type: 'Approved', reason: 'AutoApproved' }] },
    });
    // What it serves with is for a person to approve.
    const [serving] = await eventually(
      () => requests().then((all) => all.filter(({ spec }) => spec.signerName === 'kubernetes.io/kubelet-serving')),
      (all) => all.length > 0,
      'a request for a serving certificate',
    );
    expect(serving).toMatchObject({ spec: { username: `system:node:${name}` }, status: {} });
    await cluster.kubectl(`certificate approve ${serving?.metadata.name}`);
  }, 90_000);

  it('runs a pod with containers that are real, with what it needs of the API', async () => {
    await cluster.kubectl('create secret generic words --from-literal=word=keel');
    await cluster.kubectl('apply -f -', JSON.stringify(pod));
    await cluster.kubectl('wait --for=condition=Ready pod/site --timeout=60s');
    const { status } = await cluster.json<Pod>('get pod site');
    expect(status.hostIP).toBe(containerd.nodeIp);
    expect(status.podIP).toMatch(/^10\.216\./);
    expect(status.containerStatuses[0]?.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
  }, 90_000);

  it('is reached for logs, exec and port-forward', async () => {
    // Its serving certificate comes after the approval.
    const said = await eventually(
      () => cluster.tryKubectl('logs site'),
      ({ code }) => code === 0,
      'its logs',
      60_000,
    );
    expect(said.stdout).toBe('the word is keel\n');
    expect(await cluster.kubectl('exec site -- cat /etc/words/word')).toBe('keel');
    expect(await cluster.kubectl('exec -i site -- tr a-z A-Z', 'through stdin\n')).toBe('THROUGH STDIN\n');
    expect(await cluster.tryKubectl(['exec', 'site', '--', 'sh', '-c', 'echo wrong >&2; exit 3'])).toEqual({
      code: 3,
      stdout: '',
      stderr: 'wrong\ncommand terminated with exit code 3\n',
    });
    expect(await cluster.kubectl('exec site -- id -u')).toBe('1000\n');
    const forward = new Program('kubectl', ['port-forward', 'pod/site', ':8080'], { KUBECONFIG: cluster.kubeconfig });
    try {
      const port = await eventually(
        async () => /127\.0\.0\.1:(\d+) -> 8080/.exec(forward.said)?.[1],
        (found) => found !== undefined,
        'a forwarded port',
      );
      expect(await (await fetch(`http://127.0.0.1:${port}/word`)).text()).toBe('keel');
    } finally {
      await forward.stop();
    }
    expect(await cluster.kubectl(`get --raw /api/v1/nodes/${name}/proxy/healthz`)).toBe('ok');
  }, 120_000);

  it('lets nobody in whom the API server does not vouch for', async () => {
    const url = `https://${containerd.nodeIp}:${port}/pods`;
    const status = (...args: string[]) =>
      command('curl', ['-ks', '-o', '/dev/null', '-w', '%{http_code}', ...args, url]).then(({ stdout }) => stdout);
    expect(await status()).toBe('401');
    const own = join(dir, 'kubelet/pki/kubelet-client-current.pem');
    expect(await status('--cert', own, '--key', own)).toBe('403');
  });

  it('has Services that a kube-proxy of Kubernetes makes', async () => {
    await cluster.kubectl('create serviceaccount kube-proxy -n kube-system');
    await cluster.kubectl(
      'create clusterrolebinding kube-proxy --clusterrole=system:node-proxier --serviceaccount=kube-system:kube-proxy',
    );
    proxy = await KubeProxy.start({
      program: programs.kubeProxy ?? fail('kube-proxy is not built'),
      dir: join(dir, 'kube-proxy'),
      node: name,
      ...api,
      token: (await cluster.kubectl('create token kube-proxy -n kube-system')).trim(),
      ports: [await freePort(), await freePort()],
    });
    await cluster.kubectl('expose pod site --port=80 --target-port=8080');
    const address = await cluster.kubectl('get service site -o jsonpath={.spec.clusterIP}');
    // Each time a new connection: what was opened before the rules were there leads elsewhere.
    const ask = () => command('curl', ['-sm', '1', `http://${address}/word`]).then(({ stdout }) => stdout);
    const said = (error: Error) => fail(`${error.message}\n${proxy?.said.slice(-3000)}`);
    await eventually(ask, (answer) => answer === 'keel', 'its Service to answer').catch(said);
    await cluster.kubectl('delete service site');
    await eventually(ask, (answer) => answer !== 'keel', 'its Service to be gone').catch(said);
  }, 90_000);

  it('is held in bounds by the Node authorizer and NodeRestriction', async () => {
    await cluster.kubectl('create secret generic others --from-literal=word=secret');
    await cluster.kubectl(
      'apply -f -',
      JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'other' } }),
    );
    expect(JSON.parse((await asNode('get secret words -o json')).stdout)).toMatchObject({ data: { word: 'a2VlbA==' } });
    for (const [args, answer, object] of refusals) {
      const input = object && JSON.stringify(object);
      expect(await asNode(args, input), args).toEqual({ code: 1, stdout: '', stderr: `${answer}\n` });
    }
  });

  it('renews its certificate before it expires', async () => {
    const renewed = await eventually(
      async () => certificate(),
      ({ serialNumber }) => serialNumber !== first.serialNumber,
      'another certificate',
      120_000,
    );
    expect(renewed.subject).toBe(first.subject);
    expect(Date.parse(renewed.validTo)).toBeGreaterThan(Date.parse(first.validTo));
    const asked = (await requests()).filter(({ spec }) => spec.signerName.endsWith('/kube-apiserver-client-kubelet'));
    expect(asked.map(({ spec }) => spec.username)).toContain(`system:node:${name}`);
    expect((await asNode(`get node ${name} -o name`)).stdout).toBe(`node/${name}\n`);
  }, 150_000);

  it('ends its pod, and is removed', async () => {
    await cluster.kubectl('delete pod site --timeout=60s');
    expect(await containerd.running()).toEqual([]);
    await kubelet.stop();
    await cluster.kubectl(`delete node ${name}`);
    await eventually(
      () => cluster.tryKubectl(`get lease ${name} -n kube-node-lease`),
      ({ stderr }) => stderr.includes('NotFound'),
      'its Lease to go with it',
    );
  }, 120_000);
});

interface CertificateRequest {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly signerName: string; readonly username: string };
}
interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
}
interface Node {
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
}

interface Pod {
  readonly status: {
    readonly hostIP: string;
    readonly podIP: string;
    readonly containerStatuses: readonly { readonly containerID: string }[];
  };
}

const ready = ({ status }: Node) => status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'site', labels: { app: 'site' } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'site',
        image,
        imagePullPolicy: 'Never',
        command: ['sh', '-c', 'echo "the word is $WORD"; exec httpd -f -p 8080 -h /etc/words'],
        env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 'words', key: 'word' } } }],
        securityContext: { runAsUser: 1000 },
        readinessProbe: { httpGet: { path: '/word', port: 8080 }, periodSeconds: 1 },
        volumeMounts: [{ name: 'words', mountPath: '/etc/words' }],
      },
    ],
    volumes: [{ name: 'words', secret: { secretName: 'words' } }],
  },
};

const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
const cannot = `is forbidden: User "system:node:${name}" cannot`;
/** What the node asks for, what a real API server (v1.35.4) answers it, and what it sends. */
const refusals: readonly (readonly [string, string, object?])[] = [
  [
    'get secret others',
    `Error from server (Forbidden): secrets "others" ${cannot} get resource "secrets" in API group "" in the namespace "default": no relationship found between node '${name}' and this object`,
  ],
  [
    'get secrets',
    `Error from server (Forbidden): secrets ${cannot} list resource "secrets" in API group "" in the namespace "default": No Object name found`,
  ],
  [
    'get pods',
    `Error from server (Forbidden): pods ${cannot} list resource "pods" in API group "" in the namespace "default": can only list/watch pods with spec.nodeName field selector`,
  ],
  [
    'get node other',
    `Error from server (Forbidden): nodes "other" ${cannot} get resource "nodes" in API group "" at the cluster scope: node '${name}' cannot read 'other', only its own Node object`,
  ],
  [
    `label node ${name} node-restriction.kubernetes.io/zone=mine`,
    `Error from server (Forbidden): nodes "${name}" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/zone`,
  ],
  [
    'replace --raw /api/v1/nodes/other/status -f -',
    `Error from server (Forbidden): nodes "other" is forbidden: node "${name}" is not allowed to modify node "other"`,
    node('other'),
  ],
  [
    'create -f -',
    `Error from server (Forbidden): error when creating "STDIN": nodes "third" is forbidden: node "${name}" is not allowed to modify node "third"`,
    node('third'),
  ],
  [
    'create -f -',
    `Error from server (Forbidden): error when creating "STDIN": pods "own" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "${name}" can only create mirror pods`,
    { ...pod, metadata: { name: 'own' }, spec: { ...pod.spec, nodeName: 'other' } },
  ],
  [
    'create token default -n kube-system',
    `error: failed to create token: serviceaccounts "default" ${cannot} create resource "serviceaccounts/token" in API group "" in the namespace "kube-system": no relationship found between node '${name}' and this object`,
  ],
  [
    'create token default',
    'error: failed to create token: serviceaccounts "default" is forbidden: node requested token not bound to a pod',
  ],
];

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

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { APIService, EndpointSlice, Service } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

/** Programs of others: k8s.io/sample-apiserver as it is built from its module, etcd and kubectl. */
const sample = process.env['KEELSON_TEST_SAMPLE_APISERVER'];
const etcd = process.env['KEELSON_TEST_ETCD'] ?? 'etcd';
const kubectl = process.env['KEELSON_TEST_KUBECTL'] ?? 'kubectl';

const run = promisify(execFile);
const flunder = (name: string) =>
  `apiVersion: wardle.example.com/v1alpha1\nkind: Flunder\nmetadata:\n  name: ${name}\nspec: {}\n`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

describe.runIf(sample)('the extension server that Kubernetes shows as an example', () => {
  let server: TestApiServer;
  let dir: string;
  const children: ChildProcess[] = [];
  const logs: string[] = [];
  const start = (program: string, args: readonly string[]) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', (chunk: Buffer) => logs.push(chunk.toString()));
    children.push(child);
  };
  const kube = async (...args: readonly string[]) =>
    (await run(kubectl, ['--kubeconfig', join(dir, 'kubeconfig'), ...args])).stdout;

  beforeAll(async () => {
    server = await startTestApiServer({ socket: true, registry: { loopbackEndpoints: true } });
    dir = await mkdtemp(join(tmpdir(), 'keelson-sample-'));
    const kubeconfig = join(dir, 'kubeconfig');
    await writeFile(kubeconfig, server.kubeconfig ?? '', { mode: 0o600 });
    const [port, store, peers] = [await freePort(), await freePort(), await freePort()];
    const url = `http://127.0.0.1:${store}`;
    const peer = `http://127.0.0.1:${peers}`;
    start(etcd, [
      '--data-dir',
      join(dir, 'etcd'),
      '--listen-client-urls',
      url,
      '--advertise-client-urls',
      url,
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `default=${peer}`,
    ]);
    start(sample ?? '', [
      `--etcd-servers=${url}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      `--cert-dir=${join(dir, 'certs')}`,
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
    ]);
    const target = { namespace: 'default', name: 'wardle' };
    await server.client.create(Service, { metadata: target, spec: { ports: [{ port: 443, targetPort: port }] } });
    await server.client.create(EndpointSlice, {
      metadata: { name: 'wardle-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'wardle' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
      ports: [{ name: '', port, protocol: 'TCP' }],
    });
    for (const version of ['v1alpha1', 'v1beta1']) {
      await server.client.create(APIService, {
        metadata: { name: `${version}.wardle.example.com` },
        spec: {
          group: 'wardle.example.com',
          version,
          groupPriorityMinimum: 1000,
          versionPriority: 15,
          insecureSkipTLSVerify: true,
          service: target,
        },
      });
    }
    await waitFor(
      async () => {
        const { items } = await server.client.list(APIService);
        const ours = items.filter(({ spec }) => spec.group === 'wardle.example.com');
        return ours.every(({ status }) => status?.conditions?.some(({ reason }) => reason === 'Passed'));
      },
      { timeoutMs: 45_000 },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${logs.join('').slice(-4000)}`);
    });
  }, 120_000);
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('serves kubectl through this one: create, list, watch, apply, delete', async () => {
    const file = join(dir, 'flunder.yaml');
    await writeFile(file, flunder('one'));
    expect(await kube('create', '-f', file)).toBe('flunder.wardle.example.com/one created\n');
    expect(await kube('get', 'flunders', '-o', 'name')).toBe('flunder.wardle.example.com/one\n');
    const watching = spawn(kubectl, ['--kubeconfig', join(dir, 'kubeconfig'), 'get', 'flunders', '-w', '-o', 'name']);
    children.push(watching);
    let seen = '';
    watching.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    await waitFor(() => seen.includes('one'), { timeoutMs: 20_000 });
    await writeFile(file, flunder('two'));
    expect(await kube('apply', '--server-side', '-f', file)).toContain('two serverside-applied');
    await waitFor(() => seen.includes('two'), { timeoutMs: 20_000 });
    expect(await kube('delete', 'flunder', 'one')).toContain('deleted');
    expect(await kube('get', 'flunders.v1beta1.wardle.example.com', '-o', 'name')).toBe(
      'flunder.wardle.example.com/two\n',
    );
  });

  it('is among the resources that kubectl knows, and explained', async () => {
    const known = await kube('api-resources', '--api-group=wardle.example.com', '-o', 'name');
    expect(known.trim().split('\n').sort()).toEqual(['fischers.wardle.example.com', 'flunders.wardle.example.com']);
    expect(await kube('explain', 'flunder')).toContain('wardle.example.com');
  });

  it('asks this one who may do what', async () => {
    const refused = await kube('get', 'flunders', '--as', 'nobody').catch((error: { stderr: string }) => error.stderr);
    expect(refused).toContain('User "nobody" cannot list resource "flunders" in API group "wardle.example.com"');
  });
});

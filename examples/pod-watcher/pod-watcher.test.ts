import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TestCluster, testCluster } from '@keelson/apiserver/testing';
import { serviceAccountPlugin } from '@keelson/controllers';
import { Namespace, Pod } from '@keelson/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bundle } from '../smallest/bundle.ts';

const patient = { timeoutMs: 60_000, intervalMs: 20 };
let cluster: TestCluster;
let dir: string;
let child: ChildProcess;
let output = '';

beforeEach(async () => {
  cluster = await testCluster({ socket: true, plugins: [serviceAccountPlugin] });
  dir = await mkdtemp(join(tmpdir(), 'pod-watcher-'));
  const kubeconfig = join(dir, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig ?? '', { mode: 0o600 });
  const program = await bundle(fileURLToPath(new URL('pod-watcher.ts', import.meta.url)));
  output = '';
  child = spawn(process.execPath, [program], { env: { ...process.env, KUBECONFIG: kubeconfig } });
  const read = (text: string) => {
    output += text;
  };
  child.stdout?.setEncoding('utf8').on('data', read);
  child.stderr?.setEncoding('utf8').on('data', read);
});
afterEach(async () => {
  child.kill('SIGKILL');
  await cluster.stop();
  await rm(dir, { recursive: true, force: true });
});

const printed = (lines: string) =>
  cluster.waitFor(() => output.endsWith(`${lines}\n`), { ...patient, what: `"${lines}"; there is "${output}"` });

async function pod(namespace: string, name: string, unreadyForMs: number): Promise<void> {
  const { client } = cluster;
  const spec = { automountServiceAccountToken: false, containers: [{ name: 'web', image: 'web' }] };
  await cluster.eventually(() => client.create(Pod, { metadata: { namespace, name }, spec }), patient);
  const lastTransitionTime = new Date(Date.now() - unreadyForMs).toISOString();
  const status = {
    phase: 'Running' as const,
    conditions: [{ type: 'Ready', status: 'False' as const, lastTransitionTime }],
  };
  await client.patch(Pod, { namespace, name }, { merge: { status } }, { subresource: 'status' });
}

it('prints what is not ready for over a minute, whenever that changes, until Ctrl-C', {
  timeout: 120_000,
}, async () => {
  const { client } = cluster;
  await printed('all pods are ready');
  await client.create(Namespace, { metadata: { name: 'shop' }, spec: {} });
  await pod('shop', 'fresh', -3_600_000);
  await pod('shop', 'web', 3_600_000);
  await printed('shop: web');
  await pod('default', 'about', 58_000);
  await printed('default: about\nshop: web');
  const conditions = [{ type: 'Ready', status: 'True' as const }];
  const ref = { namespace: 'shop', name: 'web' };
  await client.patch(Pod, ref, { merge: { status: { conditions } } }, { subresource: 'status' });
  await printed('default: about');
  await client.delete(Pod, { namespace: 'default', name: 'about' }, { gracePeriodSeconds: 0 });
  await printed('all pods are ready');
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  expect(output.split('\n').length).toBe(7);
});

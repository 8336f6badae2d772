import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestApiServer, startTestCluster, type TestCluster } from '@keelson/apiserver';
import { noNetworkPlugin } from '@keelson/cni-plugins';
import {
  deploymentPlugin,
  endpointSlicePlugin,
  nodeLifecyclePlugin,
  replicaSetPlugin,
  schedulerPlugin,
  serviceAccountPlugin,
} from '@keelson/controllers';
import { type Client, Deployment, Lease, Pod, runOperator, Service } from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { waitFor } from '@keelson/core/testing';
import { simulatedRuntimePlugin } from '@keelson/cri-runtimes';
import { nodePlugin } from '@keelson/node';
import { afterEach, describe, expect, it } from 'vitest';
import operator, { Website } from './operator.ts';

const ref = { name: 'hello', namespace: 'default' };
const apply = (client: Client) =>
  client.create(Website, { metadata: ref, spec: { page: '<p>hi</p>', replicas: 2, image: 'any' } });

async function expectChildren(client: Client): Promise<void> {
  const deployment = await waitFor(() => client.get(Deployment, ref), { what: 'the Deployment' });
  expect(deployment.spec.replicas).toBe(2);
  expect(deployment.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Website', name: 'hello', controller: true });
  const service = await waitFor(() => client.get(Service, ref), { what: 'the Service' });
  await waitFor(async () => (await client.get(Website, ref)).status?.nodePort === service.spec.ports?.[0]?.nodePort, {
    what: 'the status',
  });
}

describe('the website operator', () => {
  let cluster: TestCluster | undefined;
  const dirs: string[] = [];
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
    for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
  });
  const temporary = async () => {
    const dir = await mkdtemp(join(tmpdir(), 'website-'));
    dirs.push(dir);
    return dir;
  };

  it('makes a Deployment and a Service, and corrects what others change, in a test without a socket', async () => {
    cluster = await startTestCluster({ plugins: [operator as AnyPlugin] });
    const { client } = cluster;
    await apply(client);
    await expectChildren(client);
    await client.patch(Deployment, ref, { merge: { spec: { replicas: 7 } } });
    await waitFor(async () => (await client.get(Deployment, ref)).spec.replicas === 2, {
      what: 'the drift to be corrected',
    });
    await client.patch(Website, ref, { merge: { spec: { replicas: 3 } } });
    await waitFor(async () => (await client.get(Deployment, ref)).spec.replicas === 3, {
      what: 'the change to arrive',
    });
  });

  it('refuses what its schema refuses', async () => {
    cluster = await startTestCluster({ plugins: [operator as AnyPlugin] });
    const tooMany = { metadata: ref, spec: { page: '', replicas: 10, image: 'any' } };
    await expect(cluster.client.create(Website, tooMany)).rejects.toThrow(
      'spec.replicas: Invalid value: 10: spec.replicas in body should be less than or equal to 9',
    );
  });

  it('gets its pods ready on controllers, scheduler and simulated nodes, still without a socket', async () => {
    const dataDir = await temporary();
    const parts = [
      serviceAccountPlugin,
      deploymentPlugin,
      replicaSetPlugin,
      endpointSlicePlugin,
      nodeLifecyclePlugin,
      schedulerPlugin,
      simulatedRuntimePlugin,
      noNetworkPlugin,
      nodePlugin,
    ];
    cluster = await startTestCluster({
      plugins: [...parts, operator] as AnyPlugin[],
      options: { node: { nodes: 2, dataDir } },
    });
    const { client } = cluster;
    await apply(client);
    await waitFor(async () => (await client.get(Website, ref)).status?.readyReplicas === 2, {
      what: 'two ready replicas',
      timeoutMs: 20_000,
    });
    const pods = await client.list(Pod, { namespace: 'default', labelSelector: 'website=hello' });
    expect(pods.items.map((each) => each.status?.phase)).toEqual(['Running', 'Running']);
  });

  it('runs unchanged against a cluster by kubeconfig', async () => {
    const server = await startTestApiServer({ socket: true });
    const stop = new AbortController();
    try {
      const kubeconfig = join(await temporary(), 'kubeconfig');
      await writeFile(kubeconfig, server.kubeconfig ?? '', { mode: 0o600 });
      const running = runOperator(operator, { kubeconfig, signal: stop.signal });
      await waitFor(() => apply(server.client), { what: 'the kind to be served' });
      await expectChildren(server.client);
      stop.abort();
      await running;
    } finally {
      stop.abort();
      await server.stop();
    }
  });

  it('acts once where it runs twice, and goes on where the one that led stops', async () => {
    const server = await startTestApiServer({ socket: true });
    const stops = [new AbortController(), new AbortController()];
    try {
      const kubeconfig = join(await temporary(), 'kubeconfig');
      await writeFile(kubeconfig, server.kubeconfig ?? '', { mode: 0o600 });
      const running = stops.map(({ signal }, at) => {
        const times = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 200 };
        return runOperator(operator, { kubeconfig, signal, leaderElection: { identity: `copy-${at}`, ...times } });
      });
      await waitFor(() => apply(server.client), { what: 'the kind to be served' });
      await expectChildren(server.client);
      const lease = () => server.client.get(Lease, { namespace: 'default', name: 'website' });
      const leader = (await lease()).spec?.holderIdentity === 'copy-0' ? 0 : 1;
      stops[leader]?.abort();
      await running[leader];
      await server.client.patch(Website, ref, { merge: { spec: { replicas: 3 } } });
      await waitFor(async () => (await server.client.get(Deployment, ref)).spec.replicas === 3, {
        what: 'the other one to act',
      });
      expect((await lease()).spec).toMatchObject({ holderIdentity: `copy-${1 - leader}`, leaseTransitions: 1 });
      for (const each of stops) each.abort();
      await Promise.all(running);
    } finally {
      for (const each of stops) each.abort();
      await server.stop();
    }
  });
});

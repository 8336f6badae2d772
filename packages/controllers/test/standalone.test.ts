import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeconfigYaml, startTestApiServer, type TestApiServer } from '@keelson/apiserver';
import { Deployment, Lease, Node, Pod, ReplicaSet, ServiceAccount } from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { definePlugin } from '@keelson/core/plugin';
import { SchedulerPlugins } from '@keelson/core/scheduling';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RunBuiltInsOptions, runBuiltIns } from '../src/standalone/run-built-ins.ts';
import { selectBuiltIns } from '../src/standalone/select-built-ins.ts';
import { createNode, newPod } from './open-cluster.ts';

const deadline = { timeoutMs: 45_000 };

/** A real API server behind a socket, with RBAC: who runs has the rights of Kubernetes' own programs and no others. */
describe('built-ins alone', () => {
  let server: TestApiServer;
  let dir: string;
  const running: { readonly stop: AbortController; readonly ended: Promise<void> }[] = [];

  beforeAll(async () => {
    server = await startTestApiServer({ socket: true });
    dir = await mkdtemp(join(tmpdir(), 'keelson-standalone-'));
  });
  afterEach(async () => {
    for (const { stop, ended } of running.splice(0)) {
      stop.abort();
      await ended;
    }
  });
  afterAll(async () => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  async function kubeconfigOf(user: string): Promise<string> {
    const { pki, listening } = server;
    if (!pki || !listening) throw new Error('there is no socket');
    const credentials = await pki.issueClient({ commonName: user });
    const file = join(dir, `${user.replaceAll(':', '-')}.kubeconfig`);
    await writeFile(file, kubeconfigYaml({ server: listening.url, ca: pki.ca, credentials }));
    await chmod(file, 0o600);
    return file;
  }

  function run(names: readonly string[], options: RunBuiltInsOptions) {
    const stop = new AbortController();
    const ended = runBuiltIns(selectBuiltIns(names), { logger: silentLogger, signal: stop.signal, ...options });
    const process = { stop, ended };
    running.push(process);
    return process;
  }

  it('works as its own ServiceAccount, under the name of its counterpart, and gives its Lease back', async () => {
    const { client } = server;
    const kubeconfig = await kubeconfigOf('system:kube-controller-manager');
    const { stop, ended } = run(['deployment-controller'], { kubeconfig, serviceAccounts: true, leaderElection: true });
    await client.create(Deployment, {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } },
      },
    });
    const made = await waitFor(
      async () => (await client.list(ReplicaSet, { namespace: 'default' })).items[0],
      deadline,
    );
    expect(made.spec?.replicas).toBe(2);
    expect(made.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['kube-controller-manager']);
    await client.get(ServiceAccount, { namespace: 'kube-system', name: 'deployment-controller' });
    const lease = { namespace: 'kube-system', name: 'keelson-deployment' };
    expect((await client.get(Lease, lease)).spec?.holderIdentity).toBeTruthy();
    stop.abort();
    await ended;
    expect((await client.get(Lease, lease)).spec?.holderIdentity || undefined).toBeUndefined();
  });

  it('schedules the pods that name it, with plugins of others', async () => {
    const { client } = server;
    await client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'default' } });
    for (const name of ['node-1', 'node-2']) await createNode(client, name);
    const second = definePlugin({
      name: 'second-node',
      register: ({ provide }) =>
        provide.value(SchedulerPlugins, {
          name: 'SecondNode',
          filter: (_, { node }) => (node.metadata.name === 'node-2' ? undefined : 'node(s) were not the second'),
        }),
    });
    run(['scheduler'], {
      kubeconfig: await kubeconfigOf('system:kube-scheduler'),
      options: { scheduler: { schedulerName: 'second' } },
      plugins: [second as AnyPlugin],
      leaderElection: true,
    });
    const pod = newPod('a');
    await client.create(Pod, { ...pod, spec: { ...pod.spec, schedulerName: 'second' } });
    const ref = { namespace: 'default', name: 'a' };
    expect(await waitFor(async () => (await client.get(Pod, ref)).spec?.nodeName, deadline)).toBe('node-2');
    await client.deleteCollection(Node);
  });

  it('says what a built-in needs that is not there', async () => {
    const kubeconfig = await kubeconfigOf('system:kube-controller-manager');
    const start = (...names: readonly string[]) =>
      runBuiltIns(selectBuiltIns(names), { kubeconfig, logger: silentLogger });
    await expect(start('certificates')).rejects.toThrow(
      "certificates needs the key of the cluster's authority: name a module that provides CertificateAuthority by --plugin, or leave it to the cluster's own controller",
    );
    await expect(start('deployment', 'secret-token')).rejects.toThrow('secret-token needs the key by which');
  });
});

import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPki } from '@keelson/apiserver';
import {
  type Client,
  ClusterRole,
  ClusterRoleBinding,
  createClient,
  httpTransport,
  loadKubeconfig,
  Namespace,
  runOperator,
  ServiceAccount,
  systemClock,
} from '@keelson/core';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ci, haveKubectl } from '../../packages/keelson/test/cluster-process.ts';
import { runAsDeployed } from '../../packages/keelson/test/run-as-deployed.ts';
import { Website, websiteOperator } from '../../packages/keelson/test/versioned-website.ts';
import {
  answersOfKubectl,
  configurations,
  Disk,
  diskOperator,
  kubectlSays,
  ruledOperator,
  useOlderVersion,
  useWebhooks,
} from '../../packages/keelson/test/webhook-operator.ts';
import { end, startReal } from '../twin/real-server.ts';
import { realProgram } from './real-programs.ts';

const missing = ['etcd', 'kube-apiserver'].filter((each) => !realProgram(each));
const why = missing.length > 0 ? ` (${missing.join(', ')} not built: node conformance/build.mjs)` : '';

describe.skipIf(missing.length > 0 && !ci)(`webhooks of operators, asked by Kubernetes' own API server${why}`, () => {
  const children: ChildProcess[] = [];
  const namespace = 'disks';
  let dir = '';
  let kubeconfig = '';
  let client: Client;
  let close = () => undefined;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'webhooks-real-'));
    const pki = await openPki(join(dir, 'pki'), { clock: systemClock });
    ({ kubeconfig } = await startReal({ dir, pki, children, routesToEndpoints: true }));
    const transport = httpTransport(await loadKubeconfig(kubeconfig));
    client = createClient(transport);
    close = () => void transport.close();
    await client.create(Namespace, { metadata: { name: namespace }, spec: {} });
  }, 120_000);
  afterAll(async () => {
    close();
    for (const each of children.reverse()) await end(each);
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  /** Of a ServiceAccount that may do what the definition says, and nothing else. */
  const leastPrivileged = async (): Promise<string> => {
    const { name, rules = [] } = diskOperator;
    const account = { name, namespace };
    await client.create(ServiceAccount, { metadata: account });
    await client.create(ClusterRole, { metadata: { name }, rules });
    await client.create(ClusterRoleBinding, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    });
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } };
    const answer = await client.createSubresource(ServiceAccount, account, 'token', request);
    const token = /"token":"([^"]+)"/.exec(JSON.stringify(answer))?.[1];
    const config = parse(await readFile(kubeconfig, 'utf8'));
    config.users[0].user = { token };
    const path = join(dir, 'operator.kubeconfig');
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    const transport = httpTransport(await loadKubeconfig(path));
    await expect(createClient(transport).list(ServiceAccount)).rejects.toThrow('forbidden');
    transport.close();
    return path;
  };

  it('are those that they are in a test cluster, with exactly its rights, and go with their process', async () => {
    const stop = new AbortController();
    const running = runOperator(diskOperator, {
      kubeconfig: await leastPrivileged(),
      signal: stop.signal,
      logger: silentLogger,
    });
    try {
      const tried = { metadata: { name: 'tried', namespace }, spec: { size: 1 } };
      // It reads configurations from a cache, and the kind from another.
      const asked = async () =>
        (await client.create(Disk, tried, { dryRun: ['All'] }).catch(() => undefined))?.spec.team !== undefined;
      await waitFor(asked, { what: 'the server to ask', timeoutMs: 60_000 });
      if (haveKubectl) expect(await kubectlSays(kubeconfig, namespace)).toEqual(answersOfKubectl);
      await useWebhooks(client, namespace);
    } finally {
      stop.abort();
      await running;
    }
    expect(await configurations(client)).toEqual([]);
  }, 120_000);

  it('are installed by manifests, behind a Service, with no right but to say what is to be trusted', async () => {
    const place = { client, kubeconfig: await readFile(kubeconfig, 'utf8'), dir };
    await runAsDeployed(diskOperator, place, async () => {
      const asked = async () => {
        const tried = { metadata: { name: 'tried', namespace: 'default' }, spec: { size: 1 } };
        return (await client.create(Disk, tried, { dryRun: ['All'] })).spec.team !== undefined;
      };
      await waitFor(asked, { what: 'the server to ask', timeoutMs: 60_000 });
      await useWebhooks(client, 'default');
    });
    const metadata = { name: 'hello', namespace: 'default' };
    await runAsDeployed(websiteOperator, place, async () => {
      const made = () => client.create(Website.v1alpha1, { metadata, spec: { text: 'hi', replicas: 3 } });
      await waitFor(made, { what: 'the conversion', timeoutMs: 60_000 });
      expect((await client.get(Website.v1, metadata)).spec).toMatchObject({ page: 'hi', scaling: { max: 3 } });
    });
  }, 180_000);

  it('are asked about every version as the one that the operator is for', async () => {
    const stop = new AbortController();
    const running = runOperator(ruledOperator, { kubeconfig, signal: stop.signal, logger: silentLogger });
    try {
      const tried = { metadata: { name: 'tried', namespace }, spec: { text: '' } };
      const asked = async () =>
        (await client.create(Website.v1alpha1, tried, { dryRun: ['All'] })).spec.text === 'empty';
      await waitFor(asked, { what: 'the server to ask', timeoutMs: 60_000 });
      await useOlderVersion(client, namespace);
    } finally {
      stop.abort();
      await running;
    }
  }, 120_000);
});

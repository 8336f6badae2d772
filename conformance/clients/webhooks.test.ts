import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPki } from '@keelson/apiserver';
import {
  type Client,
  createClient,
  httpTransport,
  loadKubeconfig,
  Namespace,
  runOperator,
  systemClock,
} from '@keelson/core';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ci, haveKubectl } from '../../packages/keelson/test/cluster-process.ts';
import {
  answersOfKubectl,
  configurations,
  Disk,
  diskOperator,
  kubectlSays,
  useWebhooks,
} from '../../packages/keelson/test/webhook-operator.ts';
import { end, startReal } from '../twin/real-server.ts';
import { realProgram } from './real-programs.ts';

const missing = ['etcd', 'kube-apiserver'].filter((each) => !realProgram(each));
const why = missing.length > 0 ? ` (${missing.join(', ')} not built: node conformance/build.mjs)` : '';

describe.skipIf(missing.length > 0 && !ci)(`webhooks by kubeconfig, asked by Kubernetes' own API server${why}`, () => {
  const children: ChildProcess[] = [];
  const namespace = 'disks';
  let dir = '';
  let kubeconfig = '';
  let client: Client;
  let close = () => undefined;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'webhooks-real-'));
    const pki = await openPki(join(dir, 'pki'), { clock: systemClock });
    ({ kubeconfig } = await startReal({ dir, pki, children }));
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

  it('are those that they are in a test cluster, and go with their process', async () => {
    const stop = new AbortController();
    const running = runOperator(diskOperator, { kubeconfig, signal: stop.signal, logger: silentLogger });
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
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testCluster } from '@keelson/apiserver/testing';
import { Deployment, runOperator } from '@keelson/core';
import { expect, it } from 'vitest';
import operator from './operator.ts';
import { Website } from './website.ts';

const ref = { name: 'hello', namespace: 'default' };

it('runs by a kubeconfig, as it does anywhere', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'website-'));
  const kubeconfig = join(dir, 'kubeconfig');
  const stop = new AbortController();
  await using cluster = await testCluster({ socket: true });
  await writeFile(kubeconfig, cluster.kubeconfig ?? '', { mode: 0o600 });

  const running = runOperator(operator, { kubeconfig, signal: stop.signal, leaderElection: true });
  try {
    const { client } = cluster;
    await cluster.eventually(() => client.create(Website, { metadata: ref, spec: { page: '<h1>Hello</h1>' } }));
    await cluster.eventually(async () => expect((await client.get(Deployment, ref)).spec.replicas).toBe(2));
  } finally {
    stop.abort();
    await running;
    await rm(dir, { recursive: true });
  }
}, 30_000);

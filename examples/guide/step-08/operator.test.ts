import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCluster } from '@keelson/apiserver/testing';
import { ConfigMap, Deployment, Pod } from '@keelson/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { wholeCluster } from './cluster.ts';
import { MemoryDns } from './dns.ts';
import { websiteOperator } from './operator.ts';
import { Website } from './website.ts';

const ref = { name: 'hello', namespace: 'default' };
const operator = websiteOperator(new MemoryDns());
let dataDir: string;
let filled: TestCluster;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'website-'));
  filled = await wholeCluster(operator, dataDir);
  await filled.client.create(Website, { metadata: ref, spec: { page: '<h1>Hello</h1>' } });
  await filled.eventually(
    async () => {
      const { status } = await filled.client.get(Website, ref);
      expect(status).toMatchObject({ ready: 2, conditions: [{ type: 'Ready', status: 'True' }] });
    },
    { timeoutMs: 50_000 },
  );
}, 60_000);

afterAll(async () => {
  await filled.stop();
  await rm(dataDir, { recursive: true });
});

it('has pods that run', async () => {
  const { items } = await filled.client.list(Pod, { namespace: 'default', labelSelector: 'website=hello' });
  expect(items.map(({ status }) => status?.phase)).toEqual(['Running', 'Running']);
});

it('scales', async () => {
  await using cluster = await filled.fork({ plugins: [operator] });
  await cluster.client.patch(Website, ref, { merge: { spec: { replicas: 5 } } });
  await cluster.eventually(async () => {
    expect((await cluster.client.get(Deployment, ref)).spec.replicas).toBe(5);
  });
});

it('goes on after it has missed everything', async () => {
  await using cluster = await filled.fork({ plugins: [operator] });
  await cluster.compact();
  await cluster.client.delete(ConfigMap, ref);
  await cluster.eventually(() => cluster.client.get(ConfigMap, ref));
});

it('does nothing where there is nothing to do', async () => {
  await using cluster = await filled.fork({ plugins: [operator] });
  await cluster.waitFor(() => cluster.traces.list().length > 0);
  expect(cluster.traces.list().flatMap(({ writes }) => writes)).toEqual([]);
});

import { testCluster } from '@keelson/apiserver/testing';
import { ConfigMap, Deployment } from '@keelson/core';
import { expect, it } from 'vitest';
import operator from './operator.ts';
import { Website } from './website.ts';

const ref = { name: 'hello', namespace: 'default' };

it('makes what a site needs, and keeps it that way', async () => {
  await using cluster = await testCluster({ plugins: [operator] });
  const { client } = cluster;

  await client.create(Website, { metadata: ref, spec: { page: '<h1>Hello</h1>' } });
  await cluster.eventually(async () => {
    expect((await client.get(ConfigMap, ref)).data).toEqual({ 'index.html': '<h1>Hello</h1>' });
    expect((await client.get(Deployment, ref)).spec.replicas).toBe(2);
  });

  // The site changes, and its children follow.
  await client.patch(Website, ref, { merge: { spec: { page: '<h1>Hello again</h1>' } } });
  await cluster.eventually(async () => {
    expect((await client.get(ConfigMap, ref)).data).toEqual({ 'index.html': '<h1>Hello again</h1>' });
  });

  // Somebody changes a child, and it is put right.
  await client.patch(Deployment, ref, { merge: { spec: { replicas: 7 } } });
  await cluster.eventually(async () => {
    expect((await client.get(Deployment, ref)).spec.replicas).toBe(2);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testCluster } from '@keelson/apiserver/testing';
import { Deployment } from '@keelson/core';
import operator, { Website } from './operator.ts';

const ref = { name: 'hello', namespace: 'default' };

test('refuses what its schema refuses, and makes a Deployment of what it takes', async () => {
  await using cluster = await testCluster({ plugins: [operator] });
  const { client } = cluster;
  const create = (replicas: number) => client.create(Website, { metadata: ref, spec: { image: 'nginx', replicas } });
  await assert.rejects(create(-1), /spec.replicas in body should be greater than or equal to 0/);
  await create(2);
  const deployment = await cluster.eventually(() => client.get(Deployment, ref));
  assert.equal(deployment.spec.replicas, 2);
  await cluster.waitFor(() => cluster.traces.list().some(({ outcome }) => outcome === 'success'));
});

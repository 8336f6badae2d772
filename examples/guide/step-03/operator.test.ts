import { testCluster } from '@keelson/apiserver/testing';
import { Deployment } from '@keelson/core';
import { expect, it } from 'vitest';
import operator from './operator.ts';
import { Website } from './website.ts';

const ref = { name: 'hello', namespace: 'default' };

it('says how a site fares', async () => {
  await using cluster = await testCluster({ plugins: [operator] });
  const { client } = cluster;
  const condition = async () => (await client.get(Website, ref)).status?.conditions?.[0];

  await client.create(Website, { metadata: ref, spec: { page: '<h1>Hello</h1>' } });
  await cluster.eventually(async () => {
    expect(await condition()).toMatchObject({ type: 'Ready', status: 'False', message: '0 of 2 are ready' });
  });

  // Nobody runs pods here, so the test says what the Deployment controller would say.
  const status = { replicas: 2, readyReplicas: 2 };
  await client.patch(Deployment, ref, { merge: { status } }, { subresource: 'status' });
  await cluster.eventually(async () => {
    expect(await condition()).toMatchObject({ status: 'True', message: '2 of 2 are ready', observedGeneration: 1 });
  });
});

import { testCluster, waitFor } from '@keelson/apiserver/testing';
import { Deployment } from '@keelson/core';
import { expect, it } from 'vitest';
import operator, { __kind__ } from './operator.ts';

const ref = { name: 'hello', namespace: 'default' };

it('makes a Deployment and corrects what others change', async () => {
  const cluster = await testCluster({ plugins: [operator] });
  const { client } = cluster;
  try {
    await client.create(__kind__, { metadata: ref, spec: { image: 'nginx', replicas: 2 } });
    const deployment = await waitFor(() => client.get(Deployment, ref), { what: 'the Deployment' });
    expect(deployment.spec.replicas).toBe(2);
    await client.patch(Deployment, ref, { merge: { spec: { replicas: 7 } } });
    await waitFor(async () => (await client.get(Deployment, ref)).spec.replicas === 2, { what: 'the correction' });
  } finally {
    await cluster.stop();
  }
});

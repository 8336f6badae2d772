import { testCluster } from '@keelson/apiserver/testing';
import { Deployment, Event, isStatusError } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import operator, { Website } from './operator.ts';

const ref = { name: 'hello', namespace: 'default' };

it('the smallest complete operator makes its child, tells how it fares, and says goodbye', async () => {
  const cluster = await testCluster({ plugins: [operator] });
  const { client } = cluster;
  try {
    await client.create(Website, { metadata: ref, spec: { image: 'nginx', replicas: 2 } });
    const deployment = await waitFor(() => client.get(Deployment, ref), { what: 'the Deployment' });
    expect(deployment.metadata.ownerReferences?.[0]).toMatchObject({
      kind: 'Website',
      name: 'hello',
      controller: true,
    });
    const condition = async () => (await client.get(Website, ref)).status?.conditions?.[0];
    await waitFor(async () => (await condition())?.message === '0 of 2 are ready', { what: 'the condition' });
    const status = { replicas: 2, readyReplicas: 2, availableReplicas: 2, updatedReplicas: 2 };
    await client.patch(Deployment, ref, { merge: { status } }, { subresource: 'status' });
    await waitFor(async () => (await condition())?.status === 'True', { what: 'the website to be ready' });
    expect(await condition()).toMatchObject({ type: 'Ready', reason: 'Replicas', observedGeneration: 1 });
    await client.delete(Website, ref);
    await waitFor(
      () =>
        client.get(Website, ref).then(
          () => false,
          (error) => isStatusError(error, 'NotFound'),
        ),
      {
        what: 'the website to go',
      },
    );
    await waitFor(async () => (await client.list(Event)).items.some((each) => each.reason === 'Goodbye'), {
      what: 'the event',
    });
  } finally {
    await cluster.stop();
  }
});

import { testCluster } from '@keelson/apiserver/testing';
import { garbageCollectorPlugin } from '@keelson/controllers';
import { ConfigMap, Deployment, isStatusError, Service } from '@keelson/core';
import { expect, it } from 'vitest';
import operator from './operator.ts';
import { Website } from './website.ts';

const ref = { name: 'hello', namespace: 'default' };

it('opens the door when somebody is at home, and closes it first', async () => {
  await using cluster = await testCluster({ plugins: [garbageCollectorPlugin, operator] });
  const { client } = cluster;
  const condition = async () => (await client.get(Website, ref)).status?.conditions?.[0];
  const isGone = async (read: Promise<unknown>) => {
    const error = await read.then(() => undefined).catch((reason: unknown) => reason);
    expect(isStatusError(error, 'NotFound')).toBe(true);
  };

  await client.create(Website, { metadata: ref, spec: { page: '<h1>Hello</h1>' } });
  await cluster.eventually(async () => {
    expect(await condition()).toMatchObject({
      type: 'Ready',
      status: 'False',
      message: 'web: Deployment hello is not ready; door: waits for web',
    });
  });
  await isGone(client.get(Service, ref));

  const { metadata } = await client.get(Deployment, ref);
  const counts = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
  const status = { ...counts, observedGeneration: metadata.generation };
  await client.patch(Deployment, ref, { merge: { status } }, { subresource: 'status' });
  await cluster.eventually(async () => {
    expect(await condition()).toMatchObject({ status: 'True', reason: 'AllReady' });
    expect((await client.get(Service, ref)).spec.ports?.[0]?.port).toBe(80);
  });

  await client.delete(Website, ref);
  await cluster.eventually(() => isGone(client.get(Website, ref)));
  await isGone(client.get(ConfigMap, ref));
});

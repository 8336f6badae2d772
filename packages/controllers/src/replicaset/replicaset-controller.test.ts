import { isStatusError, Namespace, Pod, ReplicaSet, systemClock } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readyStatus, startTestCluster, type TestCluster } from '../../test/test-cluster.ts';
import { replicaSetPlugin } from './plugin.ts';
import { ReplicaSetController } from './replicaset-controller.ts';

let cluster: TestCluster;
let number = 0;
const namespace = () => `rs-${process.pid}-${number}`;
const web = () => ({ namespace: namespace(), name: 'web' });

beforeEach(async () => {
  number += 1;
  cluster = await startTestCluster({
    controllers: (as) => {
      const { client, informers, recorder, clock } = as(replicaSetPlugin);
      return [new ReplicaSetController(client, informers, recorder, clock)];
    },
    node: (pod) => (pod.metadata.name.startsWith('slow') ? undefined : readyStatus(pod, systemClock)),
  });
  await cluster.client.create(Namespace, { metadata: { name: namespace() }, spec: {} });
});

afterEach(async () => {
  await cluster[Symbol.asyncDispose]();
});

const labels = { app: 'web' };
const spec = (image = 'image:1') => ({ nodeName: 'n1', containers: [{ name: 'main', image }] });
const create = (replicas: number, more: Partial<ReplicaSet['spec']> = {}) =>
  cluster.client.create(ReplicaSet, {
    metadata: web(),
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { name: '', labels }, spec: spec() },
      ...more,
    },
  });
const get = () => cluster.client.get(ReplicaSet, web());
const pods = async () => (await cluster.client.list(Pod, { namespace: namespace() })).items;
const available = (count: number) =>
  waitFor(async () => ((await get()).status?.availableReplicas ?? 0) === count && (await get()));

describe('a ReplicaSet', { timeout: 30_000 }, () => {
  it('makes exactly as many pods as it should, however large', async () => {
    await create(60);
    const full = await available(60);
    expect(full.status).toMatchObject({
      replicas: 60,
      fullyLabeledReplicas: 60,
      readyReplicas: 60,
      observedGeneration: 1,
    });
    expect((await pods()).length).toBe(60);
    expect(cluster.events.filter((event) => event.startsWith('SuccessfulCreate')).length).toBe(60);
    await cluster.client.patch(ReplicaSet, web(), { merge: { spec: { replicas: 0 } } });
    await available(0);
    await waitFor(async () => (await pods()).length === 0);
    expect(cluster.events.filter((event) => event.startsWith('SuccessfulDelete')).length).toBe(60);
  });

  it('adopts what it selects, and deletes what is not ready first', async () => {
    await cluster.client.create(Pod, { metadata: { namespace: namespace(), name: 'slow', labels }, spec: spec() });
    await create(2);
    await waitFor(async () => (await get()).status?.replicas === 2 && (await get()).status?.readyReplicas === 1);
    const adopted = await cluster.client.get(Pod, { namespace: namespace(), name: 'slow' });
    expect(adopted.metadata.ownerReferences).toMatchObject([
      { kind: 'ReplicaSet', name: 'web', controller: true, blockOwnerDeletion: true },
    ]);
    await cluster.client.patch(ReplicaSet, web(), { merge: { spec: { replicas: 1 } } });
    await waitFor(async () => {
      try {
        await cluster.client.get(Pod, adopted.metadata);
        return false;
      } catch (error) {
        return isStatusError(error, 'NotFound');
      }
    });
    expect((await pods()).length).toBe(1);
  });

  it('waits for minReadySeconds without an event', async () => {
    await create(1, { minReadySeconds: 2 });
    await waitFor(async () => (await get()).status?.readyReplicas === 1);
    expect((await get()).status?.availableReplicas ?? 0).toBe(0);
    await available(1);
  });
});

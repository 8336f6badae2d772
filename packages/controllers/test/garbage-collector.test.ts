import { ConfigMap, type NewObject, Secret } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GarbageCollectorController } from '../src/garbage-collector/garbage-collector-controller.ts';
import { type Cluster, openCluster } from './open-cluster.ts';

let cluster: Cluster;

beforeEach(async () => {
  cluster = await openCluster();
  cluster.run(new GarbageCollectorController(cluster.client, cluster.informers, cluster.recorder, cluster.clock));
});
afterEach(() => cluster.close());

const owned = (name: string, owner: ConfigMap | Secret, kind: string, more: object = {}): NewObject<ConfigMap> => ({
  metadata: {
    name,
    namespace: 'default',
    ownerReferences: [{ apiVersion: 'v1', kind, name: owner.metadata.name, uid: owner.metadata.uid ?? '', ...more }],
  },
});
const gone = (name: string) =>
  waitFor(async () => {
    const { items } = await cluster.client.list(ConfigMap, { namespace: 'default' });
    return !items.some((each) => each.metadata.name === name);
  });
const find = (name: string) => cluster.client.get(ConfigMap, { name, namespace: 'default' });

describe('the garbage collector', () => {
  it('deletes dependents, and theirs, after their owner', async () => {
    const owner = await cluster.client.create(Secret, { metadata: { name: 'owner', namespace: 'default' } });
    const child = await cluster.client.create(ConfigMap, owned('child', owner, 'Secret'));
    await cluster.client.create(ConfigMap, owned('grandchild', child, 'ConfigMap'));
    await cluster.client.create(ConfigMap, { metadata: { name: 'free', namespace: 'default' } });
    await cluster.client.delete(Secret, owner.metadata);
    await gone('child');
    await gone('grandchild');
    expect((await find('free')).metadata.name).toBe('free');
  });

  it('deletes what names an owner that never was, and keeps what has another owner, without the reference', async () => {
    const owner = await cluster.client.create(Secret, { metadata: { name: 'owner', namespace: 'default' } });
    const ghost = { apiVersion: 'v1', kind: 'Secret', name: 'ghost', uid: 'no-such-uid' };
    await cluster.client.create(ConfigMap, {
      metadata: { name: 'lost', namespace: 'default', ownerReferences: [ghost] },
    });
    const both = owned('half', owner, 'Secret');
    await cluster.client.create(ConfigMap, {
      metadata: { ...both.metadata, ownerReferences: [...(both.metadata.ownerReferences ?? []), ghost] },
    });
    await gone('lost');
    await waitFor(async () => (await find('half')).metadata.ownerReferences?.length === 1);
  });

  it('lets an owner go last in the foreground', async () => {
    const owner = await cluster.client.create(Secret, { metadata: { name: 'owner', namespace: 'default' } });
    const child = owned('child', owner, 'Secret', { blockOwnerDeletion: true });
    await cluster.client.create(ConfigMap, { metadata: { ...child.metadata, finalizers: ['example.com/hold'] } });
    await waitFor(() => cluster.informers.for(ConfigMap).lister.get('default/child'));
    await cluster.client.delete(Secret, owner.metadata, { propagationPolicy: 'Foreground' });
    const held = await waitFor(async () => {
      const now = await find('child');
      return now.metadata.deletionTimestamp ? now : undefined;
    });
    const waiting = await cluster.client.get(Secret, owner.metadata);
    expect(waiting.metadata.finalizers).toEqual(['foregroundDeletion']);
    await cluster.client.patch(ConfigMap, held.metadata, { merge: { metadata: { finalizers: null } } });
    await waitFor(async () => (await cluster.client.list(Secret, { namespace: 'default' })).items.length === 0);
  });

  it('orphans', async () => {
    const owner = await cluster.client.create(Secret, { metadata: { name: 'owner', namespace: 'default' } });
    await cluster.client.create(ConfigMap, owned('child', owner, 'Secret'));
    await waitFor(() => cluster.informers.for(ConfigMap).lister.get('default/child'));
    await cluster.client.delete(Secret, owner.metadata, { propagationPolicy: 'Orphan' });
    await waitFor(async () => (await cluster.client.list(Secret, { namespace: 'default' })).items.length === 0);
    expect((await find('child')).metadata.ownerReferences ?? []).toEqual([]);
  });
});

import { ConfigMap, CustomResourceDefinition, ResourceQuota, Service } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ResourceQuotaController } from '../src/resource-quota/resource-quota-controller.ts';
import { type Cluster, openCluster } from './open-cluster.ts';

const namespace = 'default';
const ref = { name: 'q', namespace };
let cluster: Cluster;

beforeEach(async () => {
  cluster = await openCluster();
});
afterEach(() => cluster.close());

const run = () => cluster.run(new ResourceQuotaController(cluster.client, cluster.informers, cluster.clock));

/** Waits until the status of the quota says this, and nothing else. */
const says = (hard: Record<string, string>, used: Record<string, string>) =>
  waitFor(async () => {
    const { status } = await cluster.client.get(ResourceQuota, ref);
    return JSON.stringify(sorted(status)) === JSON.stringify(sorted({ hard, used }));
  });
const sorted = (status: ResourceQuota['status']) =>
  [status?.hard ?? {}, status?.used ?? {}].map((each) => Object.entries(each).sort());

it('counts when a quota comes, when it changes and when room becomes free', async () => {
  const { client } = cluster;
  for (const name of ['a', 'b']) await client.create(ConfigMap, { metadata: { name, namespace } });
  const ports = [{ port: 80 }];
  await client.create(Service, { metadata: { name: 's', namespace }, spec: { type: 'NodePort', ports } });
  run();
  const hard = { configmaps: '5', 'count/configmaps': '5', 'services.nodeports': '3' };
  await client.create(ResourceQuota, { metadata: ref, spec: { hard } });
  await says(hard, { configmaps: '2', 'count/configmaps': '2', 'services.nodeports': '1' });
  await client.delete(ConfigMap, { name: 'a', namespace });
  await says(hard, { configmaps: '1', 'count/configmaps': '1', 'services.nodeports': '1' });
  await client.patch(ResourceQuota, ref, { merge: { spec: { hard: { configmaps: '7', 'count/configmaps': null } } } });
  await says({ configmaps: '7', 'services.nodeports': '3' }, { configmaps: '1', 'services.nodeports': '1' });
});

it('has no usage of kinds that are not served, or in no namespace', async () => {
  const { client } = cluster;
  run();
  const hard = { 'count/widgets.example.com': '5', 'count/nodes': '5', 'count/events': '5', configmaps: '1' };
  await client.create(ResourceQuota, { metadata: ref, spec: { hard } });
  await says(hard, { configmaps: '0' });
  expect((await client.list(CustomResourceDefinition)).items).toEqual([]);
});

it('gives back what was charged and never written', async () => {
  const { client } = cluster;
  const hard = { configmaps: '5' };
  const quota = await client.create(ResourceQuota, { metadata: ref, spec: { hard } });
  // As a server leaves it that died between the charge and the write.
  await client.updateStatus(ResourceQuota, { ...quota, status: { hard, used: { configmaps: '4' } } });
  run();
  await says(hard, { configmaps: '0' });
});

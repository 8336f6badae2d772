import { Lease, Node, Pod } from '@keelson/core';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeLifecycleController } from '../src/node-lifecycle/node-lifecycle-controller.ts';
import { TaintEvictionController } from '../src/node-lifecycle/taint-eviction-controller.ts';
import { PodGarbageCollectorController } from '../src/pod-garbage-collector/pod-garbage-collector-controller.ts';
import { type Cluster, createNode, newPod, openCluster, quiet } from './open-cluster.ts';

let cluster: Cluster;
let clock: FakeClock;

beforeEach(async () => {
  clock = new FakeClock();
  cluster = await openCluster({ clock });
});
afterEach(() => cluster.close());

function start() {
  const { client, informers, recorder } = cluster;
  cluster.run(
    new NodeLifecycleController(client, informers, recorder, clock),
    new TaintEvictionController(client, informers, recorder, clock),
    new PodGarbageCollectorController(client, informers, clock, quiet),
  );
}
const ready = async (name: string) =>
  (await cluster.client.get(Node, { name })).status?.conditions?.find((each) => each.type === 'Ready');

describe('the node life cycle', () => {
  it('marks a silent node, taints it, and moves its pods away when their tolerations end', async () => {
    await createNode(cluster.client, 'quiet');
    await createNode(cluster.client, 'alive');
    const tolerations = [
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 20 },
    ];
    await cluster.client.create(Pod, newPod('p', { nodeName: 'quiet', tolerations }));
    await cluster.client.patch(
      Pod,
      { name: 'p', namespace: 'default' },
      { strategic: { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } } },
      { subresource: 'status' },
    );
    start();
    let beat = 0;
    const renew = async () => {
      beat += 1;
      const spec = { holderIdentity: 'alive', renewTime: new Date(clock.now()).toISOString().replace('Z', '000Z') };
      const ref = { name: 'alive', namespace: 'kube-node-lease' };
      if (beat === 1) await cluster.client.create(Lease, { metadata: ref, spec });
      else await cluster.client.patch(Lease, ref, { merge: { spec } });
      await clock.advance(10_000);
    };
    for (let each = 0; each < 4; each += 1) await renew();
    expect((await ready('quiet'))?.status).toBe('True');
    for (let each = 0; each < 2; each += 1) await renew();
    await waitFor(async () => (await ready('quiet'))?.status === 'Unknown');
    expect(await ready('quiet')).toMatchObject({
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    expect((await ready('alive'))?.status).toBe('True');
    const taints = await waitFor(async () => {
      const found = (await cluster.client.get(Node, { name: 'quiet' })).spec?.taints;
      return found?.length === 2 ? found : undefined;
    });
    expect(taints.map((each) => `${each.key}:${each.effect}`)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    const pod = await waitFor(async () => {
      const now = await cluster.client.get(Pod, { name: 'p', namespace: 'default' });
      return now.status?.conditions?.find((each) => each.type === 'Ready')?.status === 'False' ? now : undefined;
    });
    expect(pod.metadata.deletionTimestamp).toBeUndefined();
    await renew();
    await renew();
    await waitFor(async () => {
      const { items } = await cluster.client.list(Pod);
      return items.every((each) => each.metadata.deletionTimestamp !== undefined);
    });
    expect(await cluster.events('TaintManagerEviction')).toEqual(['Marking for deletion Pod default/p']);
  });

  it('collects the pods of a node that is gone', async () => {
    const node = await createNode(cluster.client, 'going');
    await cluster.client.create(Pod, newPod('p', { nodeName: 'going' }));
    start();
    await cluster.client.delete(Node, node.metadata);
    await clock.advance(30_000);
    expect((await cluster.client.list(Pod)).items).toHaveLength(1);
    await clock.advance(15_000);
    await waitFor(async () => (await cluster.client.list(Pod)).items.length === 0);
  });
});

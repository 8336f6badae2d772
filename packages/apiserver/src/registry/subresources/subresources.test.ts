import { Deployment, Namespace, Pod, PodDisruptionBudget, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../storage/memory-storage.ts';
import { inProcessTransport } from '../in-process-transport.ts';
import { ResourceRegistry } from '../resource-registry.ts';

function open() {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    freeze: true,
  });
  const transport = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
  return { transport, client: createClient(transport) };
}

const containers = [{ name: 'a', image: 'b' }];
const ref = { namespace: 'default', name: 'x' };
const syncFailed = (status: string) => ({
  ...{ type: 'DisruptionAllowed', status, reason: 'SyncFailed', message: 'why' },
  lastTransitionTime: '2020-01-01T00:00:00Z',
});

describe('subresources', () => {
  it('binds a pod once', async () => {
    const { client } = open();
    await client.create(Pod, { metadata: ref, spec: { containers } });
    const nominate = (nominatedNodeName: string) =>
      client.patch(Pod, ref, { merge: { status: { nominatedNodeName } } }, { subresource: 'status' });
    expect((await nominate('n1')).status?.nominatedNodeName).toBe('n1');
    await client.createSubresource(Pod, ref, 'binding', { metadata: ref, target: { kind: 'Node', name: 'n1' } });
    const pod = await client.get(Pod, ref);
    expect(pod.status?.nominatedNodeName).toBeUndefined();
    await expect(nominate('n2')).rejects.toThrow('may not be set on pods that are already bound to a node');
    expect(pod.spec.nodeName).toBe('n1');
    expect(pod.metadata.generation).toBe(1);
    expect(pod.status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
    await expect(
      client.createSubresource(Pod, ref, 'binding', { metadata: ref, target: { name: 'n2' } }),
    ).rejects.toThrow('Operation cannot be fulfilled on pods/binding "x": pod x is already assigned to node "n1"');
  });

  it('marks a running pod for its end, and takes it away when the kubelet is done', async () => {
    const { client } = open();
    await client.create(Pod, { metadata: ref, spec: { containers } });
    await client.createSubresource(Pod, ref, 'binding', { metadata: ref, target: { name: 'n1' } });
    const marked = await client.delete(Pod, ref);
    expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 30, generation: 2 });
    await client.delete(Pod, ref, { gracePeriodSeconds: 0 });
    await expect(client.get(Pod, ref)).rejects.toMatchObject({ code: 404 });
  });

  it('looks at what a part of a pod says of its identity, and keeps what is of the pod as a whole', async () => {
    const { client, transport } = open();
    await client.create(Pod, { metadata: { ...ref, labels: { a: 'b' } }, spec: { containers } });
    const patch = (metadata: object) =>
      transport.request({
        ...{ group: '', version: 'v1', resource: 'pods', subresource: 'ephemeralcontainers', ...ref, verb: 'patch' },
        patchType: 'application/merge-patch+json',
        body: { metadata },
      });
    const uid = '00000000-0000-0000-0000-000000000000';
    await expect(patch({ uid })).rejects.toThrow(
      `Pod "x" is invalid: metadata.uid: Invalid value: "${uid}": field is immutable`,
    );
    await expect(patch({ deletionGracePeriodSeconds: 7 })).rejects.toThrow('deletionGracePeriodSeconds');
    await patch({ generateName: 'x-', labels: { a: 'c' }, ownerReferences: [{ name: 'none' }] });
    const { metadata } = await client.get(Pod, ref);
    expect(metadata).toMatchObject({ generateName: 'x-', labels: { a: 'b' } });
    expect(metadata.ownerReferences).toBeUndefined();
  });

  it('scales', async () => {
    const { client, transport } = open();
    const labels = { app: 'x' };
    await client.create(Deployment, {
      metadata: ref,
      spec: { selector: { matchLabels: labels }, template: { metadata: { name: '', labels }, spec: { containers } } },
    });
    const scale = { group: 'apps', version: 'v1', resource: 'deployments', subresource: 'scale', ...ref };
    expect(await transport.request({ ...scale, verb: 'get' })).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 1 },
      status: { replicas: 0, selector: 'app=x' },
    });
    const body = { spec: { replicas: 3 } };
    await transport.request({ ...scale, verb: 'patch', patchType: 'application/merge-patch+json', body });
    expect(await client.get(Deployment, ref)).toMatchObject({ spec: { replicas: 3 }, metadata: { generation: 2 } });
    const mistyped = { ...scale, verb: 'patch', body: { spec: { replicas: 'x' } } } as const;
    await expect(
      transport.request({ ...mistyped, patchType: 'application/strategic-merge-patch+json' }),
    ).rejects.toThrow('patch: Invalid value: "map[spec:map[replicas:x]]": unrecognized type: int32');
  });

  it('keeps spec and status apart', async () => {
    const { client } = open();
    const created = await client.create(Pod, { metadata: ref, spec: { containers } });
    const status = { phase: 'Running' };
    const updated = await client.updateStatus(Pod, { ...created, spec: { containers: [] }, status });
    expect(updated.spec).toEqual(created.spec);
    expect(updated.status).toMatchObject({ phase: 'Running', qosClass: 'BestEffort' });
    const again = await client.update(Pod, { ...updated, status: { phase: 'Failed' } });
    expect(again).toBe(updated);
  });

  it('evicts as far as the budget allows', async () => {
    const { client } = open();
    const labels = { app: 'x' };
    await client.create(PodDisruptionBudget, {
      metadata: ref,
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    });
    const created = await client.create(Pod, { metadata: { ...ref, labels }, spec: { containers } });
    await client.updateStatus(Pod, {
      ...created,
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    });
    await expect(
      client.createSubresource(Pod, ref, 'eviction', { metadata: { name: ref.name } }),
    ).rejects.toMatchObject({ code: 429 });
    await client.patch(
      PodDisruptionBudget,
      ref,
      {
        merge: {
          status: {
            disruptionsAllowed: 1,
            currentHealthy: 2,
            desiredHealthy: 1,
            expectedPods: 2,
            observedGeneration: 1,
          },
        },
      },
      { subresource: 'status' },
    );
    await client.createSubresource(Pod, ref, 'eviction', { metadata: { name: ref.name } });
    await expect(client.get(Pod, ref)).rejects.toMatchObject({ code: 404 });
    // The server's own client is who has written it.
    const { metadata } = await client.get(PodDisruptionBudget, ref);
    expect(metadata.managedFields?.find(({ manager }) => manager === 'kube-apiserver')).toMatchObject({
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:disruptedPods': { 'f:x': {} }, 'f:disruptionsAllowed': {} } },
    });
  });

  it.each([
    [{ currentHealthy: 2 }, 'does not allow evicting pods currently'],
    [{ currentHealthy: 2, desiredHealthy: 1 }, 'does not allow evicting pods currently'],
    [{ currentHealthy: 2, desiredHealthy: 2 }, 'needs 2 healthy pods and has 2 currently'],
    [{ currentHealthy: 1, desiredHealthy: 2 }, 'needs 2 healthy pods and has 1 currently'],
    [{}, 'needs 0 healthy pods and has 0 currently'],
    [{ conditions: [syncFailed('True')], desiredHealthy: 1 }, 'needs 1 healthy pods and has 0 currently'],
    [
      { conditions: [syncFailed('False')], currentHealthy: 2 },
      'does not allow evicting pods currently because it failed sync: why',
    ],
  ])('says of a budget without room, with %j, that it %s', async (status, why) => {
    const { client } = open();
    const budget = await client.create(PodDisruptionBudget, { metadata: ref, spec: { selector: {} } });
    const zeros = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 1, disruptionsAllowed: 0 };
    await client.updateStatus(PodDisruptionBudget, {
      ...budget,
      status: { ...zeros, observedGeneration: 1, ...status },
    });
    const created = await client.create(Pod, { metadata: ref, spec: { containers } });
    const conditions = [{ type: 'Ready', status: 'True' }];
    await client.updateStatus(Pod, { ...created, status: { phase: 'Running', conditions } });
    const evicted = client.createSubresource(Pod, ref, 'eviction', { metadata: { name: ref.name } });
    await expect(evicted).rejects.toMatchObject({
      status: { details: { causes: [{ message: `The disruption budget x ${why}` }] } },
    });
  });

  it('counts no new generation of a pod whose amounts a resize only writes otherwise', async () => {
    const { client, transport } = open();
    const resources = { requests: { memory: '1Gi' } };
    await client.create(Pod, { metadata: ref, spec: { containers: [{ name: 'a', image: 'b', resources }] } });
    const resized = async (memory: string) => {
      await transport.request({
        ...{ group: '', version: 'v1', resource: 'pods', subresource: 'resize', ...ref, verb: 'patch' },
        patchType: 'application/strategic-merge-patch+json',
        body: { spec: { containers: [{ name: 'a', resources: { requests: { memory } } }] } },
      });
      const { metadata, spec } = await client.get(Pod, ref);
      return [spec.containers[0]?.resources?.requests?.['memory'], metadata.generation];
    };
    expect(await resized('1073741824')).toEqual(['1073741824', 1]);
    expect(await resized('2Gi')).toEqual(['2Gi', 2]);
  });

  it('evicts a pod that is not healthy as it was seen, whatever version was asked for', async () => {
    const { client } = open();
    const labels = { app: 'x' };
    const evict = (deleteOptions: object) =>
      client.createSubresource(Pod, ref, 'eviction', { metadata: { name: ref.name }, deleteOptions });
    await client.create(PodDisruptionBudget, {
      metadata: ref,
      spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: labels } },
    });
    const created = await client.create(Pod, { metadata: { ...ref, labels }, spec: { containers } });
    await client.updateStatus(Pod, { ...created, status: { phase: 'Running' } });
    await expect(evict({ preconditions: { uid: 'x' } })).rejects.toMatchObject({ code: 429 });
    await expect(evict({ preconditions: { uid: 'x', resourceVersion: '1' } })).rejects.toMatchObject({ code: 409 });
    await expect(evict({ propagationPolicy: 'Foo' })).rejects.toThrow(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": supported values: "Foreground", "Background", "Orphan", "nil"',
    );
    await expect(evict({ dryRun: ['x'] })).rejects.toThrow('Unsupported value: ["x"]: supported values: "All"');
    await evict({ preconditions: { resourceVersion: '1' } });
    await expect(client.get(Pod, ref)).rejects.toMatchObject({ code: 404 });
  });

  it('lets a namespace go when its finalizers are gone', async () => {
    const { client, transport } = open();
    await client.create(Namespace, { metadata: { name: 'n' }, spec: {} });
    await client.delete(Namespace, { name: 'n' });
    const namespace = await client.get(Namespace, { name: 'n' });
    expect(namespace.status?.phase).toBe('Terminating');
    await transport.request({
      verb: 'update',
      group: '',
      version: 'v1',
      resource: 'namespaces',
      subresource: 'finalize',
      name: 'n',
      body: { ...namespace, spec: {} },
    });
    await expect(client.get(Namespace, { name: 'n' })).rejects.toMatchObject({ code: 404 });
  });
});

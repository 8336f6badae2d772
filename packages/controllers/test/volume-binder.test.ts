import { CSINode, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtInPlugins } from '../src/scheduler/built-in-plugins.ts';
import { schedulerOptions } from '../src/scheduler/options.ts';
import { Scheduler } from '../src/scheduler/scheduler.ts';
import type { VolumeDriver } from '../src/volume-binder/provisioner.ts';
import { VolumeBinderController } from '../src/volume-binder/volume-binder-controller.ts';
import { VolumeProtectionController } from '../src/volume-binder/volume-protection-controller.ts';
import { type Cluster, createNode, newPod, openCluster } from './open-cluster.ts';

const driverName = 'test.csi.keelson.dev';
let cluster: Cluster;
let made: Map<string, number>;

/** A driver in memory, whose volumes are on the node that is asked for. */
function driver(): VolumeDriver {
  const controller: VolumeDriver['controller'] = {
    createVolume: async ({ name = '', capacityRange, accessibilityRequirements }) => {
      const capacityBytes = capacityRange?.requiredBytes ?? 0;
      made.set(name, capacityBytes);
      return { volume: { volumeId: name, capacityBytes, accessibleTopology: accessibilityRequirements?.preferred } };
    },
    deleteVolume: async ({ volumeId = '' }) => {
      made.delete(volumeId);
      return {};
    },
  };
  const identity = {
    getPluginCapabilities: async () => ({
      capabilities: [{ service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' as const } }],
    }),
  };
  return { controller, identity };
}

beforeEach(async () => {
  cluster = await openCluster();
  made = new Map();
  const { client, informers, recorder } = cluster;
  const only = driver();
  cluster.run(
    new VolumeBinderController(client, informers, recorder, {
      get: (name) => (name === driverName ? only : undefined),
    }),
    new VolumeProtectionController(client, informers),
  );
});
afterEach(() => cluster.close());

const claimNamed = (name: string, storageClassName: string) => ({
  metadata: { name, namespace: 'default' },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: '1Gi' } } },
});
const bound = (name: string) =>
  waitFor(async () => {
    const claim = await cluster.client.get(PersistentVolumeClaim, { name, namespace: 'default' });
    return claim.status?.phase === 'Bound' ? claim : undefined;
  });
const withClaim = (claimName: string) => ({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] });

describe('the volume binder', () => {
  it('provisions at once, binds, protects, and deletes what was released', async () => {
    await cluster.client.create(StorageClass, { metadata: { name: 'now' }, provisioner: driverName });
    const created = await cluster.client.create(PersistentVolumeClaim, claimNamed('a', 'now'));
    const claim = await bound('a');
    const name = `pvc-${created.metadata.uid}`;
    expect(claim).toMatchObject({
      metadata: {
        finalizers: ['kubernetes.io/pvc-protection'],
        annotations: {
          'pv.kubernetes.io/bind-completed': 'yes',
          'pv.kubernetes.io/bound-by-controller': 'yes',
          'volume.kubernetes.io/storage-provisioner': driverName,
        },
      },
      spec: { volumeName: name },
      status: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] },
    });
    const volume = await cluster.client.get(PersistentVolume, { name });
    expect(volume.spec).toMatchObject({
      persistentVolumeReclaimPolicy: 'Delete',
      csi: { driver: driverName, volumeHandle: name },
      claimRef: { name: 'a', uid: created.metadata.uid },
    });
    expect([...made]).toEqual([[name, 2 ** 30]]);
    await cluster.client.delete(PersistentVolumeClaim, claim.metadata);
    await waitFor(async () => (await cluster.client.list(PersistentVolume)).items.length === 0);
    expect(made.size).toBe(0);
  });

  it('binds the smallest volume that suits, and keeps it when released under Retain', async () => {
    for (const [name, storage] of [
      ['large', '9Gi'],
      ['small', '2Gi'],
      ['tiny', '1Mi'],
    ] as const) {
      await cluster.client.create(PersistentVolume, {
        metadata: { name },
        spec: {
          capacity: { storage },
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'old',
          hostPath: { path: '/x' },
          persistentVolumeReclaimPolicy: 'Retain',
        },
      });
    }
    await waitFor(async () => {
      const { items } = await cluster.client.list(PersistentVolume);
      return items.every((each) => each.status?.phase === 'Available');
    });
    await cluster.client.create(PersistentVolumeClaim, claimNamed('a', 'old'));
    const claim = await bound('a');
    expect(claim.spec?.volumeName).toBe('small');
    expect(claim.status?.capacity).toEqual({ storage: '2Gi' });
    await cluster.client.delete(PersistentVolumeClaim, claim.metadata);
    await waitFor(
      async () => (await cluster.client.get(PersistentVolume, { name: 'small' })).status?.phase === 'Released',
    );
  });

  it('waits for the scheduler, which chooses the node; a claim in use stays', async () => {
    await createNode(cluster.client, 'node-1', {
      metadata: { name: 'node-1', labels: { [`${driverName}/node`]: 'node-1' } },
    });
    await cluster.client.create(CSINode, {
      metadata: { name: 'node-1' },
      spec: { drivers: [{ name: driverName, nodeID: 'node-1', topologyKeys: [`${driverName}/node`] }] },
    });
    await cluster.client.create(StorageClass, {
      metadata: { name: 'later' },
      provisioner: driverName,
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    await cluster.client.create(PersistentVolumeClaim, claimNamed('a', 'later'));
    const message = 'waiting for first consumer to be created before binding';
    await waitFor(async () => (await cluster.events('WaitForFirstConsumer')).includes(message));
    const scheduler = new Scheduler(cluster.services, builtInPlugins(cluster.services), schedulerOptions.parse({}));
    await scheduler.start();
    cluster.onClose(() => scheduler.stop());
    await cluster.client.create(Pod, newPod('p', withClaim('a')));
    const pod = await waitFor(async () => {
      const now = await cluster.client.get(Pod, { name: 'p', namespace: 'default' });
      return now.spec?.nodeName ? now : undefined;
    });
    const claim = await bound('a');
    expect(claim.metadata.annotations?.['volume.kubernetes.io/selected-node']).toBe('node-1');
    const volume = await cluster.client.get(PersistentVolume, { name: claim.spec?.volumeName ?? '' });
    expect(volume.spec?.nodeAffinity?.required?.nodeSelectorTerms).toEqual([
      { matchExpressions: [{ key: `${driverName}/node`, operator: 'In', values: ['node-1'] }] },
    ]);
    await cluster.client.delete(PersistentVolumeClaim, claim.metadata);
    const leaving = await cluster.client.get(PersistentVolumeClaim, claim.metadata);
    expect(leaving.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    await cluster.client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 });
    await waitFor(async () => (await cluster.client.list(PersistentVolume)).items.length === 0);
  });

  it('words what a pod waits for as Kubernetes v1.35 does', async () => {
    await createNode(cluster.client, 'node-1');
    const scheduler = new Scheduler(cluster.services, builtInPlugins(cluster.services), schedulerOptions.parse({}));
    await scheduler.start();
    cluster.onClose(() => scheduler.stop());
    await cluster.client.create(Pod, newPod('p', withClaim('missing')));
    await waitFor(async () =>
      (await cluster.events('FailedScheduling')).includes(
        '0/1 nodes are available: persistentvolumeclaim "missing" not found. not found',
      ),
    );
    await cluster.client.create(PersistentVolumeClaim, claimNamed('missing', 'none'));
    await waitFor(async () =>
      (await cluster.events('FailedScheduling')).includes(
        '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
      ),
    );
    expect(await waitFor(async () => (await cluster.events('ProvisioningFailed'))[0])).toBe(
      'storageclass.storage.k8s.io "none" not found',
    );
  });
});

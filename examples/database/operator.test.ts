import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestCluster, testCluster } from '@keelson/apiserver/testing';
import { noNetworkPlugin } from '@keelson/cni-plugins';
import {
  garbageCollectorPlugin,
  jobPlugin,
  namespacePlugin,
  nodeLifecyclePlugin,
  schedulerPlugin,
  serviceAccountPlugin,
  statefulSetPlugin,
  volumeBinderPlugin,
} from '@keelson/controllers';
import {
  compareQuantity,
  definePlugin,
  Event,
  isStatusError,
  Job,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  parseCronSchedule,
  Secret,
  StorageClass,
} from '@keelson/core';
import { CsiControllers } from '@keelson/core/csi';
import { objectsOf } from '@keelson/core/testing/generators';
import { simulatedRuntimePlugin } from '@keelson/cri-runtimes';
import { nodePlugin } from '@keelson/node';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isFinished, newestFirst, reasonLabel } from './backups.ts';
import operator, { Database } from './operator.ts';

const ref = { name: 'shop', namespace: 'default' };
const secret = { name: 'shop-password', namespace: 'default' };
const patient = { timeoutMs: 60_000, intervalMs: 50 };
const backup = { schedule: '@every 1s', claim: 'backups', keep: 2 };

/** The volumes here are made by hand. */
const noDrivers = definePlugin({
  name: 'no-drivers',
  register: ({ provide }) => provide.value(CsiControllers, new Map()),
});

const parts = [
  noDrivers,
  serviceAccountPlugin,
  statefulSetPlugin,
  jobPlugin,
  namespacePlugin,
  nodeLifecyclePlugin,
  volumeBinderPlugin,
  garbageCollectorPlugin,
  schedulerPlugin,
  simulatedRuntimePlugin,
  noNetworkPlugin,
  nodePlugin,
  operator,
];

let cluster: TestCluster;
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'database-'));
  const containers = [{ command: '*mariadb-dump*', exitAfterMs: 200 }];
  const options = { node: { nodes: 1, dataDir }, 'simulated-runtime': { containers } };
  cluster = await testCluster({ plugins: parts, options });
  const { client } = cluster;
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  await client.create(StorageClass, {
    metadata: { name: 'by-hand', annotations },
    provisioner: 'kubernetes.io/no-provisioner',
  });
  for (const name of ['one', 'two']) {
    const hostPath = { path: join(dataDir, name), type: 'DirectoryOrCreate' };
    const spec = {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'by-hand',
      hostPath,
    };
    await client.create(PersistentVolume, { metadata: { name }, spec });
  }
  const requests = { storage: '5Gi' };
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests } };
  await client.create(PersistentVolumeClaim, { metadata: { name: 'backups', namespace: 'default' }, spec });
});
afterEach(async () => {
  await cluster.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const isGone = (reading: Promise<unknown>) =>
  reading.then(
    () => false,
    (error: unknown) => isStatusError(error, 'NotFound'),
  );
const condition = async (type: string) =>
  (await cluster.client.get(Database, ref)).status?.conditions?.find((each) => each.type === type);
const backups = async () => newestFirst((await cluster.client.list(Job, { namespace: 'default' })).items);

it('runs, is backed up again and again, and goes after a last backup', { timeout: 180_000 }, async () => {
  const { client, waitFor } = cluster;
  await client.create(Database, { metadata: ref, spec: { backup, deletionPolicy: 'Delete' } });
  await waitFor(async () => (await condition('Ready'))?.status === 'True', { ...patient, what: 'the database' });
  const { data } = await client.get(Secret, secret);
  await waitFor(async () => (await backups()).some((job) => job.metadata.name === 'shop-backup-3'), {
    ...patient,
    what: 'the third backup',
  });
  await waitFor(async () => (await backups()).filter(isFinished).length <= backup.keep, {
    ...patient,
    what: 'old backups to be pruned',
  });
  expect(await condition('BackedUp')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  expect((await client.get(Database, ref)).status?.lastBackupTime).toBeDefined();
  expect((await client.get(Secret, secret)).data).toEqual(data);

  await client.delete(Database, ref);
  const last = await waitFor(
    async () => (await backups()).find(({ metadata }) => metadata.labels?.[reasonLabel] === 'Deletion'),
    { ...patient, what: 'the last backup' },
  );
  await waitFor(() => isGone(client.get(Database, ref)), { ...patient, what: 'the database to go' });
  const claim = { name: 'data-shop-0', namespace: 'default' };
  await waitFor(() => isGone(client.get(Secret, secret)), { ...patient, what: 'the password to go' });
  await waitFor(() => isGone(client.get(PersistentVolumeClaim, claim)), { ...patient, what: 'the data to go' });
  const events = (await client.list(Event)).items.filter(({ involvedObject }) => involvedObject.kind === 'Job');
  expect(
    events.some(({ reason, involvedObject }) => reason === 'Completed' && involvedObject.name === last.metadata.name),
  ).toBe(true);
  const warnings = cluster.warnings.filter(({ kind }) => kind !== 'blocked-event-loop');
  expect(warnings.filter(({ place }) => place.includes('examples'))).toEqual([]);
});

it('keeps data and password where it is told so, and never makes another password for data that it finds', async () => {
  const { client, waitFor } = cluster;
  const claim = { name: 'data-shop-0', namespace: 'default' };
  const create = () => client.create(Database, { metadata: ref, spec: { deletionPolicy: 'Retain' } });
  const ready = async () => (await condition('Ready'))?.status === 'True';
  await create();
  await waitFor(ready, { ...patient, what: 'the database' });
  const { data, metadata } = await client.get(Secret, secret);
  await client.delete(Database, ref);
  await waitFor(() => isGone(client.get(Database, ref)), { ...patient, what: 'the database to go' });
  expect((await client.get(PersistentVolumeClaim, claim)).metadata.deletionTimestamp).toBeUndefined();
  expect((await client.get(Secret, secret)).data).toEqual(data);

  await client.delete(Secret, secret);
  await create();
  await waitFor(async () => (await condition('Ready'))?.message?.includes('nobody can read the data without it'), {
    ...patient,
    what: 'what is missing to be told',
  });
  await client.create(Secret, { metadata: { name: metadata.name, namespace: 'default' }, ...(data && { data }) });
  await waitFor(ready, { ...patient, what: 'the database to be back' });
}, 180_000);

it('does not hold up a namespace that goes', { timeout: 180_000 }, async () => {
  const { client, waitFor } = cluster;
  const there = { name: 'shop', namespace: 'going' };
  await client.create(Namespace, { metadata: { name: there.namespace }, spec: {} });
  await client.create(Database, { metadata: there, spec: { backup } });
  await waitFor(async () => (await client.list(Job, { namespace: there.namespace })).items.length > 0, {
    ...patient,
    what: 'the first backup',
  });
  await client.delete(Namespace, { name: there.namespace });
  await waitFor(() => isGone(client.get(Namespace, { name: there.namespace })), {
    ...patient,
    what: 'the namespace to go',
  });
});

it('may grow, and neither shrink nor go back', { timeout: 120_000 }, async () => {
  const { client, waitFor } = cluster;
  await client.create(Database, { metadata: ref, spec: { version: '11.4', storage: '2Gi' } });
  const change = (spec: object) => client.patch(Database, ref, { merge: { spec } });
  await expect(change({ storage: '1536Mi' })).rejects.toThrow('spec.storage: Invalid value: "1536Mi": must not shrink');
  await expect(change({ storage: 'much' })).rejects.toThrow(
    'spec.storage: Invalid value: "much": spec.storage in body should match',
  );
  await expect(change({ version: '10.11' })).rejects.toThrow('spec.version: Invalid value: "10.11": must not go back');
  await change({ version: '11.8', storage: '2048Mi' });

  const resized = async () => (await condition('Resized'))?.message;
  await waitFor(async () => (await resized()) === '2Gi', { ...patient, what: 'the volume' });
  await change({ storage: '4Gi' });
  await waitFor(async () => (await resized())?.includes('only dynamically provisioned pvc can be resized'), {
    ...patient,
    what: 'the refusal',
  });
  await client.patch(StorageClass, { name: 'by-hand' }, { merge: { allowVolumeExpansion: true } });
  await change({ storage: '5Gi' });
  await waitFor(async () => (await resized()) === '5Gi', { ...patient, what: 'the volume to grow' });
});

it('takes whatever its schema says, and knows when each of these is to be backed up', {
  timeout: 120_000,
}, async () => {
  const { client } = cluster;
  await fc.assert(
    fc.asyncProperty(objectsOf(Database), async (database) => {
      const creating = client.create(Database, database, { dryRun: ['All'] });
      if (compareQuantity(database.spec?.storage ?? '1Gi', '0') <= 0) {
        await expect(creating).rejects.toThrow('spec.storage: Invalid value: ');
        return;
      }
      const { spec } = await creating;
      if (spec.backup) parseCronSchedule(spec.backup.schedule).next(0);
    }),
    { numRuns: 50 },
  );
});

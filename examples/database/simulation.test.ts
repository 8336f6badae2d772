import { type SimulatedWorld, type Simulation, simulate } from '@keelson/apiserver/testing';
import { garbageCollectorPlugin } from '@keelson/controllers';
import { defineOperator, getCondition, Job, Secret, StatefulSet, timestamp } from '@keelson/core';
import { expect, it } from 'vitest';
import { isFinished, newestFirst, reasonLabel } from './backups.ts';
import operator, { Database } from './operator.ts';

const ref = { name: 'shop', namespace: 'default' };
const backupMs = 45_000;

/** Stands in for the controllers and nodes of a cluster: servers get ready, and backups take their time. */
const servers = defineOperator({
  name: 'servers',
  for: StatefulSet,
  async reconcile({ metadata, spec }, { setStatus }) {
    const replicas = spec.replicas ?? 1;
    const observedGeneration = metadata.generation ?? 1;
    setStatus({ replicas, readyReplicas: replicas, updatedReplicas: replicas, observedGeneration });
  },
});
const jobs = defineOperator({
  name: 'jobs',
  for: Job,
  async reconcile(job, { clock, setStatus }) {
    if (isFinished(job)) return;
    const startTime = job.status?.startTime ?? timestamp(clock);
    setStatus({ startTime });
    const left = Date.parse(startTime) + backupMs - clock.now();
    if (left > 0) return { requeueAfter: left };
    const [status, lastProbeTime, lastTransitionTime] = ['True' as const, timestamp(clock), timestamp(clock)];
    const conditions = (['SuccessCriteriaMet', 'Complete'] as const).map((type) => {
      return { type, status, lastProbeTime, lastTransitionTime };
    });
    setStatus({ succeeded: 1, completionTime: timestamp(clock), conditions });
  },
});

/** What has been seen so far in a run. */
const seen = (world: SimulatedWorld) =>
  world.external('seen', () => ({ password: '', ready: false, lastBackup: false })).real;

const simulation: Simulation = {
  operators: () => [operator, servers, jobs, garbageCollectorPlugin],
  steps: [
    {
      name: 'makes a database',
      async run(world) {
        const backup = { schedule: '@every 1m', claim: 'backups', keep: 2 };
        await world.client.create(Database, {
          metadata: ref,
          spec: { version: '11.4', storage: '1Gi', backup, deletionPolicy: 'Delete' },
        });
      },
    },
    {
      name: 'upgrades it',
      run: ({ client }) => client.patch(Database, ref, { merge: { spec: { version: '11.8' } } }),
    },
    { name: 'waits for three minutes', run: ({ clock }) => clock.sleep(180_000) },
    { name: 'deletes it', run: ({ client }) => client.delete(Database, ref) },
  ],
  always: {
    'the password never changes': async (world) => {
      const [secret] = await world.objects(Secret, 'default');
      const password = secret?.data?.['password'];
      const before = seen(world);
      if (password === undefined) return;
      if (before.password !== '' && before.password !== password) return 'there is another one';
      before.password = password;
    },
    'there are never two backups at once': async ({ objects }) => {
      const running = newestFirst(await objects(Job, 'default')).filter((each) => !isFinished(each));
      if (running.length > 1) return running.map(({ metadata }) => metadata.name).join();
    },
    'the database stays until its last backup is done': async (world) => {
      const before = seen(world);
      const backups = (await world.objects(Job, 'default')).filter(isFinished);
      if (backups.some(({ metadata }) => metadata.labels?.[reasonLabel] === 'Deletion')) before.lastBackup = true;
      const [database] = await world.objects(Database);
      if (getCondition(database?.status?.conditions, 'BackedUp')) before.ready = true;
      if (before.ready && !before.lastBackup && !database) return 'it is gone';
    },
  },
  finally: {
    'everything is gone': async ({ objects }) => {
      const left = [
        ...(await objects(Database)),
        ...(await objects(Secret, 'default')),
        ...(await objects(StatefulSet)),
        ...(await objects(Job)),
      ];
      if (left.length > 0) return left.map(({ metadata }) => metadata.name).join();
    },
    'there was a last backup': (world) => {
      const { ready, lastBackup } = seen(world);
      if (ready && !lastBackup) return 'there was none';
    },
  },
};

it('keeps its promises whatever happens to it', { timeout: 120_000 }, async () => {
  expect(await simulate(simulation, { runs: 3 })).toEqual({ runs: 3 });
});

it('keeps them while it does not see what it has done', { timeout: 120_000 }, async () => {
  const blind: Simulation = { ...simulation, faults: ['lost-answer', 'crash-after', 'stale-view'], faultRate: 0.6 };
  expect(await simulate(blind, { runs: 5 })).toEqual({ runs: 5 });
});

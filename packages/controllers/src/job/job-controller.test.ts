import { Job, Namespace, Pod } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../test/test-cluster.ts';
import { JobController } from './job-controller.ts';
import { jobPlugin } from './plugin.ts';
import { TtlAfterFinishedController } from './ttl-after-finished-controller.ts';

let cluster: TestCluster;
let number = 0;
const namespace = () => `job-${process.pid}-${number}`;
const ref = () => ({ namespace: namespace(), name: 'pi' });

beforeEach(async () => {
  number += 1;
  cluster = await startTestCluster({
    controllers: (as) => {
      const { client, informers, recorder, clock } = as(jobPlugin);
      return [
        new JobController(client, informers, recorder, clock),
        new TtlAfterFinishedController(client, informers, clock),
      ];
    },
    node: (pod) => {
      const [command = 'run'] = pod.spec.containers[0]?.command ?? [];
      return { phase: { succeed: 'Succeeded', fail: 'Failed' }[command] ?? 'Running' };
    },
  });
  await cluster.client.create(Namespace, { metadata: { name: namespace() }, spec: {} });
});

afterEach(async () => {
  await cluster[Symbol.asyncDispose]();
});

function create(command: 'succeed' | 'fail' | 'run', spec: Partial<Job['spec']> = {}) {
  const containers = [{ name: 'main', image: 'image:1', command: [command] }];
  const template = { spec: { restartPolicy: 'Never', nodeName: 'n1', containers } };
  return cluster.client.create(Job, { metadata: ref(), spec: { template, ...spec } });
}

const get = () => cluster.client.get(Job, ref());
const pods = async () => (await cluster.client.list(Pod, { namespace: namespace() })).items;
const until = (condition: (job: Job) => boolean) =>
  waitFor(
    async () => {
      const job = await get();
      return condition(job) && job;
    },
    { what: `the job; errors: ${cluster.errors.join('\n')}` },
  );
const has = (type: string) => (job: Job) =>
  job.status?.conditions?.some((each) => each.type === type && each.status === 'True') ?? false;
const conditions = (job: Job) => job.status?.conditions?.map(({ type, reason, message }) => [type, reason, message]);

describe('a Job', { timeout: 30_000 }, () => {
  it('completes, each pod counted once and let go', async () => {
    await create('succeed', { completions: 7, parallelism: 3 });
    const done = await until(has('Complete'));
    expect(done.status).toMatchObject({ succeeded: 7, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
    expect(done.status?.active ?? 0).toBe(0);
    expect(done.status?.completionTime).toBeDefined();
    expect(conditions(done)).toEqual([
      ['SuccessCriteriaMet', 'CompletionsReached', 'Reached expected number of succeeded pods'],
      ['Complete', 'CompletionsReached', 'Reached expected number of succeeded pods'],
    ]);
    expect((await pods()).length).toBe(7);
    expect((await pods()).flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([]);
    expect(cluster.events.at(-1)).toBe('Completed: Job completed');
  });

  it('of indexes completes each index', async () => {
    await create('succeed', { completions: 3, parallelism: 2, completionMode: 'Indexed' });
    const done = await until(has('Complete'));
    expect(done.status).toMatchObject({ succeeded: 3, completedIndexes: '0-2' });
    const made = await pods();
    expect(made.map(({ spec }) => spec.hostname).sort()).toEqual(['pi-0', 'pi-1', 'pi-2']);
  });

  it('fails at the limit', async () => {
    await create('fail', { backoffLimit: 0 });
    const done = await until(has('Failed'));
    expect(done.status).toMatchObject({ failed: 1, uncountedTerminatedPods: {} });
    expect(conditions(done)).toEqual([
      ['FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'],
      ['Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'],
    ]);
    expect(cluster.events.at(-1)).toBe('BackoffLimitExceeded: Job has reached the specified backoff limit');
  });

  it('fails at its deadline, and takes its pods along', async () => {
    await create('run', { activeDeadlineSeconds: 1, parallelism: 2, completions: 2 });
    await until(({ status }) => status?.active === 2);
    const done = await until(has('Failed'));
    expect(done.status).toMatchObject({ failed: 2, terminating: 0 });
    expect(conditions(done)?.at(-1)).toEqual([
      'Failed',
      'DeadlineExceeded',
      'Job was active longer than specified deadline',
    ]);
    expect(await pods()).toEqual([]);
  });

  it('is suspended and resumed without counting a failure', async () => {
    await create('run', { suspend: true });
    await until(has('Suspended'));
    expect(await pods()).toEqual([]);
    const suspend = (value: boolean) => cluster.client.patch(Job, ref(), { merge: { spec: { suspend: value } } });
    await suspend(false);
    await until(({ status }) => status?.active === 1);
    await suspend(true);
    const suspended = await until((job) => has('Suspended')(job) && job.status?.terminating === 0);
    expect(suspended.status?.failed).toBeUndefined();
    await waitFor(async () => (await pods()).length === 0);
    expect(cluster.events).toContain('Resumed: Job resumed');
  });

  it('goes when its time to live is over, and lets its pods go when deleted', async () => {
    await create('succeed', { ttlSecondsAfterFinished: 0 });
    // Without a garbage collector the foreground deletion waits for its pods.
    await waitFor(async () => {
      try {
        return (await get()).metadata.deletionTimestamp !== undefined;
      } catch {
        return true;
      }
    });
  });

  it('that is deleted leaves no pod behind that cannot go', async () => {
    await create('run');
    await until(({ status }) => status?.active === 1);
    await cluster.client.delete(Job, ref(), { propagationPolicy: 'Background' });
    await waitFor(async () => (await pods()).every(({ metadata }) => (metadata.finalizers ?? []).length === 0));
  });
});

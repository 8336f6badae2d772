import type { JobCondition, Pod } from '@keelson/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, job, ms, now, pod } from '../pod-control/test-objects.ts';
import { accountPods } from './accounting.ts';
import { backoffRemaining } from './backoff.ts';
import { formatIndexes, parseIndexes, pendingIndexes } from './indexes.ts';
import { announcedOutcome, failureOutcome, outcomeConditions, successOutcome, suspension } from './outcome.ts';
import { planPods } from './pod-plan.ts';
import { untilExpiry } from './ttl-after-finished-controller.ts';

const finalizers = ['batch.kubernetes.io/job-tracking'];
const running = (name: string, more: Partial<Pod['metadata']> = {}) =>
  pod(name, { node: 'n', phase: 'Running', metadata: { finalizers, ...more } });
const failed = (name: string, seconds: number) =>
  pod(name, { phase: 'Failed', metadata: { creationTimestamp: at(seconds), finalizers } });
const plan = (wanted: ReturnType<typeof job>, pods: readonly Pod[], seconds = 1_000) =>
  planPods(
    wanted,
    { all: pods, active: pods.filter((each) => each.status?.phase === 'Running') },
    accountPods(wanted, pods, false),
    ms(seconds),
  );

describe('indexes', () => {
  it('are written as runs', () => {
    expect(formatIndexes(new Set([3, 0, 1]))).toBe('0,1,3');
    expect(formatIndexes(new Set([4, 0, 2, 1]))).toBe('0-2,4');
    expect(formatIndexes(new Set())).toBe('');
  });

  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 50 })), (values) => {
        expect([...parseIndexes(formatIndexes(new Set(values)), 51)].sort()).toEqual([...values].sort());
      }),
    );
    expect([...parseIndexes('0-99,x,7-', 3)]).toEqual([0, 1, 2]);
  });

  it('are handed out from the lowest', () => {
    expect(pendingIndexes(new Set([0, 2]), 5, 2)).toEqual([1, 3]);
  });
});

describe('back-off', () => {
  it('doubles with each failure since the last success', () => {
    expect(backoffRemaining([], ms(0))).toBe(0);
    expect(backoffRemaining([failed('a', 0)], ms(4))).toBe(6_000);
    expect(backoffRemaining([failed('a', 0), failed('b', 20)], ms(20))).toBe(20_000);
    const success = pod('s', { phase: 'Succeeded', metadata: { creationTimestamp: at(10) } });
    expect(backoffRemaining([failed('a', 0), success, failed('b', 20)], ms(20))).toBe(10_000);
  });

  it('ends at ten minutes', () => {
    const many = Array.from({ length: 20 }, (_, at) => failed(`p${at}`, at));
    expect(backoffRemaining(many, ms(19))).toBe(600_000);
  });
});

describe('the pods of a Job', () => {
  it('are as many as may run, and never more than there are completions left', () => {
    const created = (...args: Parameters<typeof plan>) => {
      const made = plan(...args);
      return made.type === 'create' ? made.pods.length : made.type;
    };
    expect(created(job({ completions: 5, parallelism: 3 }), [])).toBe(3);
    expect(created(job({ completions: 5, parallelism: 3 }, { succeeded: 4 }), [])).toBe(1);
    expect(created(job({ completions: 5, parallelism: 3 }), [running('a'), running('b'), running('c')])).toBe('none');
    expect(created(job({ completions: undefined, parallelism: 2 }, { succeeded: 1 }), [])).toBe('none');
    expect(created(job(), [failed('a', 998)])).toBe('wait');
  });

  it('go when suspended, or when there are too many', () => {
    const pods = [running('a'), running('b')];
    expect(plan(job({ suspend: true }), pods)).toEqual({ type: 'delete', pods });
    const surplus = plan(job({ parallelism: 1, completions: 5 }), pods);
    expect(surplus).toMatchObject({ type: 'delete' });
    expect(surplus.type === 'delete' && surplus.pods.length).toBe(1);
  });

  it('carry their index everywhere', () => {
    const taken = running('a', { annotations: { 'batch.kubernetes.io/job-completion-index': '0' } });
    const made = plan(job({ completionMode: 'Indexed', completions: 3, parallelism: 2 }), [taken]);
    if (made.type !== 'create') throw new Error(made.type);
    expect(made.pods).toMatchObject([
      {
        metadata: {
          generateName: 'pi-1-',
          finalizers,
          labels: { 'batch.kubernetes.io/job-completion-index': '1' },
          annotations: { 'batch.kubernetes.io/job-completion-index': '1' },
        },
        spec: {
          hostname: 'pi-1',
          containers: [
            {
              env: [
                {
                  name: 'JOB_COMPLETION_INDEX',
                  valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
                },
              ],
            },
          ],
        },
      },
    ]);
  });

  it('of one index are one', () => {
    const twin = (name: string, readyAt?: number) =>
      pod(name, {
        node: 'n',
        phase: 'Running',
        ...(readyAt !== undefined && { readyAt }),
        metadata: { finalizers, annotations: { 'batch.kubernetes.io/job-completion-index': '0' } },
      });
    const made = plan(job({ completionMode: 'Indexed', completions: 3, parallelism: 2 }), [
      twin('ready', 0),
      twin('unready'),
    ]);
    expect(made.type === 'delete' && made.pods.map(({ metadata }) => metadata.name)).toEqual(['unready']);
  });
});

describe('the end of a Job', () => {
  const account = (wanted: ReturnType<typeof job>) => accountPods(wanted, [], false);

  it('comes with the failure beyond the limit', () => {
    const once = job({ backoffLimit: 0 }, { failed: 1 });
    expect(failureOutcome(once, [], account(once), ms(0))).toEqual({
      type: 'Failed',
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    });
    const patient = job({ backoffLimit: 1 }, { failed: 1 });
    expect(failureOutcome(patient, [], account(patient), ms(0))).toBeUndefined();
  });

  it('counts restarts where containers are restarted in place', () => {
    const template = { spec: { restartPolicy: 'OnFailure', containers: [] } };
    const wanted = job({ backoffLimit: 2, template });
    const restarted = (restarts: number) => [pod('a', { phase: 'Running', restarts })];
    expect(failureOutcome(wanted, restarted(1), account(wanted), ms(0))).toBeUndefined();
    expect(failureOutcome(wanted, restarted(2), account(wanted), ms(0))?.reason).toBe('BackoffLimitExceeded');
  });

  it('comes with the deadline, which stands still while suspended', () => {
    const wanted = job({ activeDeadlineSeconds: 3 }, { startTime: at(0) });
    expect(failureOutcome(wanted, [], account(wanted), ms(2))).toBeUndefined();
    expect(failureOutcome(wanted, [], account(wanted), ms(3))).toEqual({
      type: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Job was active longer than specified deadline',
    });
    const suspended = job({ activeDeadlineSeconds: 3, suspend: true }, { startTime: at(0) });
    expect(failureOutcome(suspended, [], account(suspended), ms(9))).toBeUndefined();
  });

  it('comes with the last success', () => {
    const wanted = job({ completions: 2 }, { succeeded: 2 });
    expect(successOutcome(wanted, account(wanted), 0)?.reason).toBe('CompletionsReached');
    const open = job({ completions: undefined }, { succeeded: 1 });
    expect(successOutcome(open, account(open), 1)).toBeUndefined();
    expect(successOutcome(open, account(open), 0)?.type).toBe('Complete');
  });

  it('is announced, stands, and becomes final when settled', () => {
    const outcome = { type: 'Complete', reason: 'CompletionsReached', message: 'm' } as const;
    const announced = outcomeConditions([], outcome, true, at(1));
    expect(announced.map(({ type }) => type)).toEqual(['SuccessCriteriaMet']);
    expect(announcedOutcome(job({}, { conditions: announced }))).toEqual(outcome);
    expect(outcomeConditions(announced, outcome, false, at(2))).toBe(announced);
    expect(outcomeConditions(announced, outcome, true, at(2)).map(({ type }) => type)).toEqual([
      'SuccessCriteriaMet',
      'Complete',
    ]);
  });
});

describe('suspension', () => {
  it('is told the first time, and each time it changes', () => {
    expect(suspension(job(), at(0))).toEqual({ conditions: [] });
    const first = suspension(job({ suspend: true }), at(0));
    const condition: JobCondition = {
      type: 'Suspended',
      status: 'True',
      reason: 'JobSuspended',
      message: 'Job suspended',
      lastProbeTime: at(0),
      lastTransitionTime: at(0),
    };
    expect(first).toEqual({ conditions: [condition], event: { reason: 'Suspended', message: 'Job suspended' } });
    const resumed = suspension(job({}, { conditions: [condition] }), at(5));
    expect(resumed.event?.reason).toBe('Resumed');
    expect(resumed.conditions).toEqual([
      {
        ...condition,
        status: 'False',
        reason: 'JobResumed',
        message: 'Job resumed',
        lastProbeTime: at(5),
        lastTransitionTime: at(5),
      },
    ]);
  });
});

it('a finished Job goes when its time is over', () => {
  const conditions = [{ type: 'Complete', status: 'True', lastTransitionTime: now(0).timestamp }];
  expect(untilExpiry(job({ ttlSecondsAfterFinished: 2 }, { conditions }), ms(1))).toBe(1_000);
  expect(untilExpiry(job({ ttlSecondsAfterFinished: 2 }), ms(1))).toBeUndefined();
  expect(untilExpiry(job({}, { conditions }), ms(1))).toBeUndefined();
});

import type { Job, Pod } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { job, ms, pod } from '../pod-control/test-objects.ts';
import { accountPods } from './accounting.ts';
import { failedIndexes, nextFailureCounts } from './index-failures.ts';
import { failureOutcome, policyOutcome } from './outcome.ts';
import { failJobMessage, matchFailurePolicy } from './pod-failure-policy.ts';
import { planPods } from './pod-plan.ts';

const failed = (name: string, code: number, annotations: Record<string, string> = {}): Pod => {
  const made = pod(name, {
    phase: 'Failed',
    metadata: { annotations, finalizers: ['batch.kubernetes.io/job-tracking'] },
  });
  const state = { terminated: { exitCode: code, finishedAt: '2026-01-01T00:00:00Z' } };
  return {
    ...made,
    status: {
      ...made.status,
      containerStatuses: [{ name: 'main', image: '', imageID: '', ready: false, restartCount: 0, state }],
    },
  };
};
const rule = (action: string, values: readonly number[]) => ({ action, onExitCodes: { operator: 'In', values } });
const at = (index: number, failures = 0) => ({
  'batch.kubernetes.io/job-completion-index': String(index),
  'batch.kubernetes.io/job-index-failure-count': String(failures),
});

describe('a Job with policies', () => {
  const strict = job({ podFailurePolicy: { rules: [rule('FailJob', [42]), rule('Ignore', [7])] } });

  it('fails as a whole, or counts no failure, by how its pods fail', () => {
    expect(failJobMessage(strict, [failed('a', 1)])).toBeUndefined();
    expect(failJobMessage(strict, [failed('a', 42)])).toBe(
      'Container main for pod default/a failed with exit code 42 matching FailJob rule at index 0',
    );
    expect(matchFailurePolicy(strict, failed('a', 7))?.action).toBe('Ignore');
    expect(accountPods(strict, [failed('a', 7), failed('b', 1)], false).uncounted.failed).toEqual(['uid-b']);
  });

  it('by a condition of its pods', () => {
    const byCondition = job({
      podFailurePolicy: {
        rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
    });
    const evicted = failed('a', 1);
    const conditions = [{ type: 'DisruptionTarget', status: 'True' }];
    expect(matchFailurePolicy(byCondition, { ...evicted, status: { ...evicted.status, conditions } })?.message).toBe(
      'Pod default/a has condition DisruptionTarget matching Ignore rule at index 0',
    );
  });

  const indexed = (more: Partial<Job['spec']> = {}) =>
    job({ completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 1, ...more });

  it('tries each index for itself, and remembers how often', () => {
    const first = failed('a', 1, at(0));
    expect(failedIndexes(indexed(), [first]).size).toBe(0);
    const account = accountPods(indexed(), [first], false);
    expect(account).toMatchObject({ release: [], uncounted: { failed: [] } });
    const plan = planPods(indexed(), { all: [first], active: [] }, account, ms(20));
    const made = plan.type === 'create' ? plan.pods.map(({ metadata }) => metadata.annotations) : [];
    expect(made.map((each) => each?.['batch.kubernetes.io/job-index-failure-count'])).toEqual(['1', '0', '0']);
    expect(nextFailureCounts(indexed(), first)).toEqual({ 'batch.kubernetes.io/job-index-failure-count': '1' });
  });

  it('waits for one index while others go on', () => {
    const first = failed('a', 1, at(0));
    const account = accountPods(indexed(), [first], false);
    const plan = planPods(indexed(), { all: [first], active: [] }, account, ms(1));
    expect(plan.type === 'create' ? plan.pods.length : 0).toBe(2);
  });

  it('fails when all is done and an index has failed, or too many have', () => {
    const pods = [failed('a', 1, at(0, 1)), failed('b', 1, at(1, 1))];
    const account = accountPods(indexed(), pods, false);
    expect([...account.failedIndexes]).toEqual([0, 1]);
    expect(failureOutcome(indexed({ backoffLimit: 99, maxFailedIndexes: 1 }), pods, account, 0)?.reason).toBe(
      'MaxFailedIndexesExceeded',
    );
    expect(failureOutcome(indexed({ backoffLimit: 99 }), pods, account, 0)).toBeUndefined();
    expect(failureOutcome(indexed({ backoffLimit: 99, completions: 2 }), pods, account, 0)?.reason).toBe(
      'FailedIndexes',
    );
  });

  it('succeeds early by its success policy', () => {
    const policy = indexed({ successPolicy: { rules: [{ succeededIndexes: '0,2', succeededCount: 1 }] } });
    const done = { ...failed('c', 0, at(2)), status: { phase: 'Succeeded' } };
    expect(policyOutcome(policy, accountPods(policy, [], false))).toBeUndefined();
    expect(policyOutcome(policy, accountPods(policy, [done], false))).toMatchObject({
      type: 'Complete',
      reason: 'SuccessPolicy',
      message: 'Matched rules at index 0',
    });
  });
});

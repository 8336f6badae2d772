import type { Job, JobStatus, Pod } from '@keelson/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, job, now, pod } from '../pod-control/test-objects.ts';
import { accountPods, totalFailed, totalSucceeded } from './accounting.ts';
import { jobStatus } from './status.ts';

const tracked = (name: string, phase: string, more: Partial<Pod['metadata']> = {}) =>
  pod(name, { phase, metadata: { finalizers: ['batch.kubernetes.io/job-tracking'], ...more } });
const index = (value: number) => ({ annotations: { 'batch.kubernetes.io/job-completion-index': String(value) } });
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

describe('accounting', () => {
  it('names a finished pod before it lets it go, and counts it when it is let go', () => {
    const wanted = job({ completions: 3 });
    const done = tracked('a', 'Succeeded');
    const first = accountPods(wanted, [done, tracked('b', 'Running')], false);
    expect(first).toMatchObject({ succeeded: 0, uncounted: { succeeded: ['uid-a'], failed: [] } });
    expect(names(first.release)).toEqual(['a']);
    expect(totalSucceeded(wanted, first)).toBe(1);

    const named = job({ completions: 3 }, { uncountedTerminatedPods: { succeeded: ['uid-a'] } });
    expect(accountPods(named, [done], false)).toMatchObject({ succeeded: 0, uncounted: { succeeded: ['uid-a'] } });
    const free = pod('a', { phase: 'Succeeded' });
    expect(accountPods(named, [free], false)).toMatchObject({
      succeeded: 1,
      uncounted: { succeeded: [] },
      release: [],
    });
    expect(accountPods(named, [], false)).toMatchObject({ succeeded: 1 });
  });

  it('counts a pod on its way out as failed, unless the Job waits for the real end', () => {
    const going = tracked('a', 'Running', { deletionTimestamp: at(0) });
    expect(accountPods(job(), [going], false).uncounted.failed).toEqual(['uid-a']);
    const patient = job({ podReplacementPolicy: 'Failed' });
    expect(accountPods(patient, [going], false)).toMatchObject({ uncounted: { failed: [] }, release: [] });
  });

  it('counts whatever still runs at the end as failed', () => {
    expect(accountPods(job(), [tracked('a', 'Running')], true).uncounted.failed).toEqual(['uid-a']);
  });

  it('counts indexes, each once', () => {
    const indexed = job({ completionMode: 'Indexed', completions: 4 }, { completedIndexes: '0', succeeded: 1 });
    const pods = [
      tracked('a', 'Succeeded', index(2)),
      tracked('b', 'Succeeded', index(2)),
      tracked('c', 'Succeeded', index(7)),
      tracked('d', 'Failed', index(9)),
    ];
    const account = accountPods(indexed, pods, false);
    expect([...account.indexes]).toEqual([0, 2]);
    expect(account).toMatchObject({ succeeded: 2, failed: 0, uncounted: { succeeded: [], failed: [] } });
    expect(names(account.release)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets the pods of a deleted Job go', () => {
    const deleted: Job = { ...job(), metadata: { ...job().metadata, deletionTimestamp: at(0) } };
    expect(names(accountPods(deleted, [tracked('a', 'Running')], false).release)).toEqual(['a']);
  });

  it('never forgets or doubles a pod, wherever it is interrupted', () => {
    // Each step either stores the status, or lets one named pod go, or is a crash (nothing happens).
    const phases = fc.array(fc.constantFrom('Succeeded', 'Failed'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(phases, fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), (ends, steps) => {
        let pods = ends.map((phase, at) => tracked(`p${at}`, phase));
        let status: JobStatus = {};
        const wanted = () => job({ completions: 100, backoffLimit: 100 }, status);
        for (const step of steps) {
          const account = accountPods(wanted(), pods, false);
          const succeeded = ends.filter((phase) => phase === 'Succeeded').length;
          expect([totalSucceeded(wanted(), account), totalFailed(account)]).toEqual([
            succeeded,
            ends.length - succeeded,
          ]);
          if (step % 3 === 0) continue;
          status = jobStatus(wanted(), {
            account,
            outcome: undefined,
            conditions: [],
            resumed: false,
            active: [],
            created: 0,
            terminating: 0,
            timestamp: now(0).timestamp,
          });
          const victim = account.release[step % (account.release.length || 1)];
          if (step % 3 === 2 && victim) {
            pods = pods.map((each) => (each.metadata.uid === victim.metadata.uid ? pod(each.metadata.name) : each));
          }
        }
      }),
    );
  });
});

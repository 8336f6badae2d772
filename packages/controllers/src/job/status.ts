import type { Job, JobCondition, JobStatus, Pod } from '@keelson/core';
import { isPodReady } from '../pod-control/index.ts';
import { type Account, isIndexed } from './accounting.ts';
import { limitsEachIndex } from './index-failures.ts';
import { formatIndexes } from './indexes.ts';
import { type Outcome, outcomeConditions } from './outcome.ts';

/** What a reconcile knows at its end. */
export interface JobObservation {
  readonly account: Account;
  readonly outcome: Outcome | undefined;
  readonly conditions: readonly JobCondition[];
  /** Suspended until now: the Job's time begins anew. */
  readonly resumed: boolean;
  /** Active pods, without those just deleted. */
  readonly active: readonly Pod[];
  /** Pods just created. */
  readonly created: number;
  readonly terminating: number;
  readonly timestamp: string;
}

/** The status after a reconcile. A Job is final only when every pod is counted and none is left on its way out. */
export function jobStatus(job: Job, observation: JobObservation): JobStatus {
  const { account, outcome, timestamp, terminating } = observation;
  const { uncounted } = account;
  const settled =
    terminating === 0 &&
    account.release.length === 0 &&
    uncounted.succeeded.length === 0 &&
    uncounted.failed.length === 0;
  const conditions =
    outcome === undefined
      ? observation.conditions
      : outcomeConditions(observation.conditions, outcome, settled, timestamp);
  const completed = conditions.some((each) => each.type === 'Complete' && each.status === 'True');
  const startTime = startOf(job, observation);
  const active = observation.active.length + observation.created;
  const indexes = isIndexed(job) ? formatIndexes(account.indexes) : '';
  return {
    ...(conditions.length > 0 && { conditions }),
    ...(startTime !== undefined && { startTime }),
    ...(completed && { completionTime: timestamp }),
    ...(active > 0 && { active }),
    ready: observation.active.filter(isPodReady).length,
    terminating,
    ...(account.succeeded > 0 && { succeeded: account.succeeded }),
    ...(account.failed > 0 && { failed: account.failed }),
    ...(indexes !== '' && { completedIndexes: indexes }),
    ...(limitsEachIndex(job) && { failedIndexes: formatIndexes(account.failedIndexes) }),
    uncountedTerminatedPods: {
      ...(uncounted.succeeded.length > 0 && { succeeded: uncounted.succeeded }),
      ...(uncounted.failed.length > 0 && { failed: uncounted.failed }),
    },
  };
}

function startOf(job: Job, { resumed, timestamp }: JobObservation): string | undefined {
  if (resumed) return timestamp;
  return job.status?.startTime ?? (job.spec.suspend === true ? undefined : timestamp);
}

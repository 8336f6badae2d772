import type { Job, JobCondition, Pod } from '@keelson/core';
import { podPhase } from '../pod-control/index.ts';
import { type Account, isIndexed, totalFailed, totalSucceeded } from './accounting.ts';
import { failJobMessage } from './pod-failure-policy.ts';
import { matchSuccessPolicy } from './success-policy.ts';

/** How a Job ends: first announced (`SuccessCriteriaMet`, `FailureTarget`), then, when no pod is left to count, final. */
export interface Outcome {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

const announcement = { Complete: 'SuccessCriteriaMet', Failed: 'FailureTarget' } as const;

export function isFinished(job: Job): boolean {
  return finalCondition(job) !== undefined;
}

export function finalCondition(job: Job): JobCondition | undefined {
  return trueCondition(job, 'Complete') ?? trueCondition(job, 'Failed');
}

function trueCondition(job: Job, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

/** What was announced stands, whatever happens afterwards. */
export function announcedOutcome(job: Job): Outcome | undefined {
  for (const type of ['Failed', 'Complete'] as const) {
    const condition = trueCondition(job, announcement[type]);
    if (condition !== undefined) return { type, reason: condition.reason ?? '', message: condition.message ?? '' };
  }
  return undefined;
}

/** Whether the Job has to be given up now. */
export function failureOutcome(job: Job, pods: readonly Pod[], account: Account, now: number): Outcome | undefined {
  const byPolicy = failJobMessage(job, pods);
  if (byPolicy !== undefined) return { type: 'Failed', reason: 'PodFailurePolicy', message: byPolicy };
  if (totalFailed(account) > (job.spec.backoffLimit ?? 6) || restartsExceeded(job, pods)) {
    return {
      type: 'Failed',
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    };
  }
  if (untilActiveDeadline(job, now) === 0) {
    return {
      type: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Job was active longer than specified deadline',
    };
  }
  return failedIndexesOutcome(job, account);
}

function failedIndexesOutcome({ spec }: Job, { failedIndexes, indexes }: Account): Outcome | undefined {
  if (spec.maxFailedIndexes !== undefined && failedIndexes.size > spec.maxFailedIndexes) {
    return {
      type: 'Failed',
      reason: 'MaxFailedIndexesExceeded',
      message: 'Job has exceeded the specified maximal number of failed indexes',
    };
  }
  if (failedIndexes.size > 0 && failedIndexes.size + indexes.size >= (spec.completions ?? 0)) {
    return { type: 'Failed', reason: 'FailedIndexes', message: 'Job has failed indexes' };
  }
  return undefined;
}

/** Whether enough has succeeded by the Job's own rules, though not everything has. */
export function policyOutcome(job: Job, account: Account): Outcome | undefined {
  if (!isIndexed(job)) return undefined;
  const message = matchSuccessPolicy(job, account.indexes);
  return message === undefined ? undefined : { type: 'Complete', reason: 'SuccessPolicy', message };
}

/** Without `completions`, one success and nothing running is enough. */
export function successOutcome(job: Job, account: Account, active: number): Outcome | undefined {
  const succeeded = totalSucceeded(job, account);
  const { completions } = job.spec;
  const complete = completions === undefined ? succeeded > 0 && active === 0 : succeeded >= completions;
  if (!complete) return undefined;
  return { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
}

/** Milliseconds until `activeDeadlineSeconds` are over; undefined without one, before the start, or while suspended. */
export function untilActiveDeadline(job: Job, now: number): number | undefined {
  const seconds = job.spec.activeDeadlineSeconds;
  const started = job.status?.startTime;
  if (seconds === undefined || started === undefined || job.spec.suspend === true) return undefined;
  return Math.max(0, Date.parse(started) + seconds * 1000 - now);
}

/** With `restartPolicy: OnFailure` it is the containers' restarts that count towards the limit. */
function restartsExceeded(job: Job, pods: readonly Pod[]): boolean {
  if (job.spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  const restarts = pods
    .filter((pod) => podPhase(pod) === 'Running' || podPhase(pod) === 'Pending')
    .flatMap((pod) => [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])])
    .reduce((sum, status) => sum + status.restartCount, 0);
  const limit = job.spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

export function jobCondition(
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
  timestamp: string,
): JobCondition {
  return { type, status, lastProbeTime: timestamp, lastTransitionTime: timestamp, reason, message };
}

/** Adds the announcement, or once `settled` the end itself. */
export function outcomeConditions(
  conditions: readonly JobCondition[],
  outcome: Outcome,
  settled: boolean,
  timestamp: string,
): readonly JobCondition[] {
  const announced = conditions.some((each) => each.type === announcement[outcome.type] && each.status === 'True');
  const type = announced ? (settled ? outcome.type : undefined) : announcement[outcome.type];
  if (type === undefined) return conditions;
  return [...conditions, jobCondition(type, 'True', outcome.reason, outcome.message, timestamp)];
}

export interface Suspension {
  readonly conditions: readonly JobCondition[];
  readonly event?: { readonly reason: 'Suspended' | 'Resumed'; readonly message: string };
}

/** The condition `Suspended`, which a Job gets the first time it is suspended. */
export function suspension(job: Job, timestamp: string): Suspension {
  const conditions = job.status?.conditions ?? [];
  const suspended = job.spec.suspend === true;
  const standing = conditions.find((condition) => condition.type === 'Suspended');
  if (standing === undefined ? !suspended : standing.status === (suspended ? 'True' : 'False')) return { conditions };
  const event = suspended
    ? ({ reason: 'Suspended', message: 'Job suspended' } as const)
    : ({ reason: 'Resumed', message: 'Job resumed' } as const);
  const next = jobCondition('Suspended', suspended ? 'True' : 'False', `Job${event.reason}`, event.message, timestamp);
  return {
    conditions:
      standing === undefined ? [...conditions, next] : conditions.map((each) => (each === standing ? next : each)),
    event,
  };
}

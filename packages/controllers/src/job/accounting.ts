import { type Job, type Pod, wellKnown } from '@keelson/core';
import { podPhase } from '../pod-control/index.ts';
import { failedIndexes, limitsEachIndex, rememberedFailures } from './index-failures.ts';
import { completionIndex, parseIndexes } from './indexes.ts';
import { matchFailurePolicy } from './pod-failure-policy.ts';

/** No status names more pods than this at once; the rest is counted in the next reconcile. */
const maxUncounted = 500;

const none: ReadonlySet<number> = new Set();

/** What a Job has counted, and which pods it may let go once that is stored. */
export interface Account {
  /** Pods counted for good: their finalizer is gone. */
  readonly succeeded: number;
  readonly failed: number;
  /** Pods that are counted, and still wear the finalizer (by uid). */
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  /** Of an Indexed Job: the indexes that have succeeded. */
  readonly indexes: ReadonlySet<number>;
  /** With `backoffLimitPerIndex`: the indexes that have failed for good. */
  readonly failedIndexes: ReadonlySet<number>;
  /** Pods that need no finalizer any more once the status with this account is stored. */
  readonly release: readonly Pod[];
}

export function isIndexed(job: Job): boolean {
  return job.spec.completionMode === 'Indexed';
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(wellKnown.jobTrackingFinalizer) ?? false;
}

export function totalSucceeded(job: Job, account: Account): number {
  return isIndexed(job) ? account.indexes.size : account.succeeded + account.uncounted.succeeded.length;
}

/** Of an Indexed Job: indexes that need no pod any more. */
export function settledIndexes(account: Account): ReadonlySet<number> {
  if (account.failedIndexes.size === 0) return account.indexes;
  return new Set([...account.indexes, ...account.failedIndexes]);
}

export function totalFailed(account: Account): number {
  return account.failed + account.uncounted.failed.length;
}

/**
 * Counts finished pods so that each is counted exactly once, whatever crashes in between (KEP-2307): first its uid is
 * stored as uncounted, then its finalizer is taken away, and when that is seen the uid becomes part of the counter. A
 * succeeded pod of an Indexed Job is counted by its index instead.
 *
 * @param over the Job has ended: what still runs counts as failed
 */
export function accountPods(job: Job, pods: readonly Pod[], over: boolean): Account {
  const indexed = isIndexed(job);
  const completions = job.spec.completions ?? 0;
  const tracked = pods.filter(isTracked);
  const uids = new Set(tracked.map((pod) => pod.metadata.uid));
  const stored = job.status?.uncountedTerminatedPods;
  const succeeded = (stored?.succeeded ?? []).filter((uid) => uids.has(uid));
  const failed = (stored?.failed ?? []).filter((uid) => uids.has(uid));
  const named = new Set([...succeeded, ...failed]);
  const indexes = new Set(indexed ? parseIndexes(job.status?.completedIndexes, completions) : []);
  for (const pod of tracked) {
    const index = indexed && podPhase(pod) === 'Succeeded' ? completionIndex(pod) : undefined;
    if (index !== undefined && index < completions) indexes.add(index);
  }
  const perIndex = limitsEachIndex(job);
  const failedFor = perIndex ? failedIndexes(job, pods) : none;
  const remembered =
    perIndex && !over
      ? new Set(rememberedFailures(job, pods, new Set([...indexes, ...failedFor])).values())
      : undefined;
  const release: Pod[] = [];
  for (const pod of tracked) {
    const { uid = '' } = pod.metadata;
    const index = completionIndex(pod);
    const valid = !indexed || (index !== undefined && index < completions);
    if (remembered?.has(pod) && !named.has(uid)) continue;
    if (named.has(uid)) release.push(pod);
    else if (podPhase(pod) === 'Succeeded') {
      // Those of an Indexed Job are counted above.
      if (!indexed) {
        if (succeeded.length + failed.length >= maxUncounted) continue;
        succeeded.push(uid);
      }
      release.push(pod);
    } else if (over || countsAsFailed(job, pod)) {
      if (valid && matchFailurePolicy(job, pod)?.action !== 'Ignore') {
        if (succeeded.length + failed.length >= maxUncounted) continue;
        failed.push(uid);
      }
      release.push(pod);
    } else if (job.metadata.deletionTimestamp !== undefined) release.push(pod);
  }
  const settled = (before: readonly string[] | undefined) => (before ?? []).filter((uid) => !uids.has(uid)).length;
  return {
    succeeded: indexed ? indexes.size : (job.status?.succeeded ?? 0) + settled(stored?.succeeded),
    failed: (job.status?.failed ?? 0) + settled(stored?.failed),
    uncounted: { succeeded, failed },
    indexes,
    failedIndexes: failedFor,
    release,
  };
}

/** A pod on its way out counts at once, as it may never get to tell how it ended; unless the Job says to wait. */
function countsAsFailed(job: Job, pod: Pod): boolean {
  if (podPhase(pod) === 'Failed') return true;
  return pod.metadata.deletionTimestamp !== undefined && job.spec.podReplacementPolicy !== 'Failed';
}

import type { Job, Pod } from '@keelson/core';
import { isPodTerminating, podPhase } from '../pod-control/index.ts';
import { finishTime } from './backoff.ts';
import { completionIndex, parseIndexes } from './indexes.ts';
import { matchFailurePolicy } from './pod-failure-policy.ts';

/** On pods of a Job with `backoffLimitPerIndex` (KEP-3850): failures of the index before this pod. */
export const failureCountKey = 'batch.kubernetes.io/job-index-failure-count';
export const ignoredCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count';

const firstDelayMs = 10_000;
const longestDelayMs = 600_000;

export function limitsEachIndex({ spec }: Job): boolean {
  return spec.completionMode === 'Indexed' && spec.backoffLimitPerIndex !== undefined;
}

function countOf({ metadata }: Pod, key: string): number {
  const text = metadata.annotations?.[key] ?? '';
  return /^\d+$/.test(text) ? Number(text) : 0;
}

/** What the next pod of an index is told of the failures before it. */
export function nextFailureCounts(job: Job, lastFailed: Pod | undefined): Readonly<Record<string, string>> {
  if (lastFailed === undefined) return { [failureCountKey]: '0' };
  const ignored = matchFailurePolicy(job, lastFailed)?.action === 'Ignore';
  const failures = countOf(lastFailed, failureCountKey) + (ignored ? 0 : 1);
  const before = countOf(lastFailed, ignoredCountKey);
  const passedOver = before + (ignored ? 1 : 0);
  return { [failureCountKey]: String(failures), ...(passedOver > 0 && { [ignoredCountKey]: String(passedOver) }) };
}

function endsIndex(job: Job, pod: Pod): boolean {
  if (podPhase(pod) !== 'Failed') return false;
  const action = matchFailurePolicy(job, pod)?.action;
  if (action === 'FailIndex') return true;
  return action !== 'Ignore' && countOf(pod, failureCountKey) >= (job.spec.backoffLimitPerIndex ?? 0);
}

/** The indexes that have failed for good, those of the status included. */
export function failedIndexes(job: Job, pods: readonly Pod[]): ReadonlySet<number> {
  const completions = job.spec.completions ?? 0;
  const failed = new Set(parseIndexes(job.status?.failedIndexes, completions));
  for (const pod of pods) {
    const index = completionIndex(pod);
    if (index !== undefined && index < completions && !failed.has(index) && endsIndex(job, pod)) failed.add(index);
  }
  return failed;
}

/**
 * The last failed pod of each index that is to be tried again. It keeps its finalizer until the next one is there: it is
 * the memory of how often the index has failed.
 */
export function rememberedFailures(
  job: Job,
  pods: readonly Pod[],
  done: ReadonlySet<number>,
): ReadonlyMap<number, Pod> {
  const latest = new Map<number, Pod>();
  const running = new Set<number>();
  for (const pod of pods) {
    const index = completionIndex(pod);
    if (index === undefined || index >= (job.spec.completions ?? 0) || done.has(index)) continue;
    if (podPhase(pod) !== 'Failed') {
      if (!isPodTerminating(pod)) running.add(index);
      continue;
    }
    const known = latest.get(index);
    if (known === undefined || attempts(known) < attempts(pod)) latest.set(index, pod);
  }
  for (const index of running) latest.delete(index);
  return latest;
}

const attempts = (pod: Pod) => countOf(pod, failureCountKey) + countOf(pod, ignoredCountKey);

/** Milliseconds until an index may be tried again, by its own failures. */
export function indexBackoff(lastFailed: Pod | undefined, now: number): number {
  if (lastFailed === undefined) return 0;
  const delay = Math.min(firstDelayMs * 2 ** attempts(lastFailed), longestDelayMs);
  return Math.max(0, finishTime(lastFailed) + delay - now);
}

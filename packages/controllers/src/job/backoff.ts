import type { Pod } from '@keelson/core';
import { podPhase, podReadyCondition } from '../pod-control/index.ts';

const firstDelayMs = 10_000;
const longestDelayMs = 600_000;

/**
 * Milliseconds to wait before a failed pod is replaced: 10 s after the first failure since the last success, doubled for
 * each further one, at most 10 minutes; counted from the end of the last one.
 */
export function backoffRemaining(pods: readonly Pod[], now: number): number {
  const finished = pods
    .filter((pod) => podPhase(pod) === 'Succeeded' || podPhase(pod) === 'Failed')
    .map((pod) => ({ failed: podPhase(pod) === 'Failed', at: finishTime(pod) }))
    .sort((a, b) => a.at - b.at);
  const failures = finished.slice(finished.findLastIndex(({ failed }) => !failed) + 1);
  const last = failures.at(-1);
  if (last === undefined) return 0;
  const delay = Math.min(firstDelayMs * 2 ** (failures.length - 1), longestDelayMs);
  return Math.max(0, last.at + delay - now);
}

/** When a pod's last container ended, as well as can be known: else when it ceased to be ready, was deleted, or came. */
export function finishTime(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map((status) => status.state?.terminated?.finishedAt);
  const known = ends.filter((end) => end !== undefined).map((end) => Date.parse(end));
  if (known.length > 0 && known.length === ends.length) return Math.max(...known);
  const ready = podReadyCondition(pod);
  if (ready?.status === 'False' && ready.lastTransitionTime) return Date.parse(ready.lastTransitionTime);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata;
  if (deletionTimestamp) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return creationTimestamp === undefined ? 0 : Date.parse(creationTimestamp);
}

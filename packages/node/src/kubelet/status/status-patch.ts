import type { Pod, PodCondition, PodStatus } from '@keelson/core/api';
import { deepEqual } from '@keelson/core/machinery';
import { ownedConditions } from './pod-conditions.ts';

/** The same status with the times of its conditions: kept while `status` stays, else `now`. */
export function stampConditions(next: PodStatus, previous: PodStatus | undefined, now: string): PodStatus {
  const conditions = (next.conditions ?? []).map((condition): PodCondition => {
    const before = previous?.conditions?.find((each) => each.type === condition.type);
    const kept = before?.status === condition.status ? before.lastTransitionTime : undefined;
    const { type, status, observedGeneration, reason, message } = condition;
    return {
      type,
      status,
      ...(observedGeneration !== undefined && { observedGeneration }),
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
      lastTransitionTime: kept ?? now,
    };
  });
  return { ...next, conditions };
}

/**
 * The strategic merge patch that brings the status in the API to `next`, or `undefined` if there is nothing to say.
 * Conditions of others are not touched; the UID makes the API refuse it for a new pod of the same name.
 */
export function statusPatch(pod: Pod, next: PodStatus): unknown {
  const old = pod.status ?? {};
  const patch: Record<string, unknown> = {};
  const keys = new Set([
    ...kubeletFields.filter((key) => old[key] !== undefined),
    ...kubeletFields.filter((key) => next[key] !== undefined),
  ]);
  for (const key of keys) {
    if (deepEqual(old[key], next[key])) continue;
    if (key === 'conditions') {
      const changed = changedConditions(old.conditions ?? [], next.conditions ?? []);
      if (changed.length > 0) patch.conditions = changed;
    } else if (key === 'podIPs' || key === 'hostIPs') {
      patch[key] = replaceIps(old[key] ?? [], next[key] ?? []);
    } else {
      patch[key] = next[key] ?? null;
    }
  }
  if (Object.keys(patch).length === 0) return undefined;
  return { metadata: { uid: pod.metadata.uid }, status: patch };
}

/** Merged by `type`, field by field: a reason that is gone must be named. */
function changedConditions(old: readonly PodCondition[], next: readonly PodCondition[]): readonly unknown[] {
  return next.flatMap((condition) => {
    const before = old.find((each) => each.type === condition.type);
    if (!ownedConditions.has(condition.type) || deepEqual(withoutProbeTime(before), condition)) return [];
    const reason = before?.reason !== undefined && condition.reason === undefined && { reason: null };
    const message = before?.message !== undefined && condition.message === undefined && { message: null };
    return [{ ...condition, ...reason, ...message }];
  });
}

function withoutProbeTime(condition: PodCondition | undefined): PodCondition | undefined {
  if (condition === undefined) return undefined;
  const { lastProbeTime: _, ...rest } = condition;
  return rest;
}

/** Lists merged by `ip`: those that are gone must be named. */
function replaceIps(old: readonly { ip: string }[], next: readonly { ip: string }[]): readonly unknown[] {
  const gone = old.filter((each) => !next.some((other) => other.ip === each.ip));
  return [...next, ...gone.map((each) => ({ ip: each.ip, $patch: 'delete' }))];
}

const kubeletFields = [
  'observedGeneration',
  'phase',
  'conditions',
  'reason',
  'message',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'qosClass',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
] as const satisfies readonly (keyof PodStatus)[];

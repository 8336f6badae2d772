import { matchesLabels, type Pod, type ReplicaSetCondition, type ReplicaSetStatus, semanticEqual } from '@keelson/core';
import { isPodAvailable, isPodReady, untilAvailable } from '../pod-control/index.ts';

/** What went wrong in this reconcile: the API's message about a pod that could not be created or deleted. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

/** What ReplicaSets and ReplicationControllers have in common. */
export interface ReplicaOwner {
  readonly generation?: number;
  readonly minReadySeconds?: number;
  readonly templateLabels: Readonly<Record<string, string>>;
  readonly status?: ReplicaSetStatus;
}

export interface ObservedPods {
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
}

/** The status that the pods amount to. A failure that stands already keeps its first message and time. */
export function replicaStatus(
  owner: ReplicaOwner,
  pods: ObservedPods,
  failure: ReplicaFailure | undefined,
  now: { readonly ms: number; readonly timestamp: string },
): ReplicaSetStatus {
  const { templateLabels, minReadySeconds = 0 } = owner;
  const { active } = pods;
  const fullyLabeled = active.filter((pod) => matchesLabels(templateLabels, pod.metadata.labels ?? {})).length;
  const ready = active.filter(isPodReady);
  const available = ready.filter((pod) => isPodAvailable(pod, minReadySeconds, now.ms)).length;
  const conditions = failureConditions(owner.status?.conditions ?? [], failure, now.timestamp);
  return {
    replicas: active.length,
    ...(fullyLabeled > 0 && { fullyLabeledReplicas: fullyLabeled }),
    ...(ready.length > 0 && { readyReplicas: ready.length }),
    ...(available > 0 && { availableReplicas: available }),
    terminatingReplicas: pods.terminating.length,
    ...(owner.generation !== undefined && { observedGeneration: owner.generation }),
    ...(conditions.length > 0 && { conditions }),
  };
}

export function statusChanged(owner: ReplicaOwner, status: ReplicaSetStatus): boolean {
  return !semanticEqual(owner.status, status);
}

/** Milliseconds until the next ready pod becomes available by `minReadySeconds`; no event tells of that. */
export function nextAvailability(owner: ReplicaOwner, active: readonly Pod[], now: number): number | undefined {
  const { minReadySeconds = 0 } = owner;
  if (minReadySeconds === 0) return undefined;
  const waits = active
    .map((pod) => untilAvailable(pod, minReadySeconds, now))
    .filter((wait) => wait !== undefined && wait > 0);
  return waits.length === 0 ? undefined : Math.min(...waits.map(Number));
}

function failureConditions(
  conditions: readonly ReplicaSetCondition[],
  failure: ReplicaFailure | undefined,
  timestamp: string,
): readonly ReplicaSetCondition[] {
  const others = conditions.filter((condition) => condition.type !== 'ReplicaFailure');
  if (failure === undefined) return others;
  if (others.length < conditions.length) return conditions;
  return [
    ...others,
    {
      type: 'ReplicaFailure',
      status: 'True',
      lastTransitionTime: timestamp,
      reason: failure.reason,
      message: failure.message,
    },
  ];
}

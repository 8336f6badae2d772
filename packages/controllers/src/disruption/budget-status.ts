import {
  intOrPercent,
  type Pod,
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  setCondition,
} from '@keelson/core';
import { isPodReady } from '../pod-control/index.ts';

/** After this, a pod that an eviction has announced is taken to stay. */
export const disruptionTimeoutMs = 2 * 60_000;

/** What a budget asks of the pods that it selects; `expected` is how many there should be by their owners. */
export interface Expectation {
  readonly expected: number;
  readonly desired: number;
}

/** Whether the owners' replicas have to be known: not where a fixed number must be available. */
export function needsOwners({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

/** @param replicas of all owners together; with a fixed `minAvailable`, the number of pods */
export function expectationOf({ spec }: PodDisruptionBudget, replicas: number): Expectation {
  if (spec?.maxUnavailable !== undefined) {
    return { expected: replicas, desired: Math.max(0, replicas - intOrPercent(spec.maxUnavailable, replicas, true)) };
  }
  if (spec?.minAvailable !== undefined) {
    return { expected: replicas, desired: intOrPercent(spec.minAvailable, replicas, true) };
  }
  return { expected: replicas, desired: 0 };
}

export interface Disrupted {
  /** Pods that evictions have announced and that are still there. */
  readonly pods: Readonly<Record<string, string>>;
  /** Pods that were announced and did not go in time. */
  readonly overdue: readonly Pod[];
  /** Milliseconds until the next announcement runs out. */
  readonly recheckMs: number | undefined;
}

export function disruptedPods(budget: PodDisruptionBudget, pods: readonly Pod[], now: number): Disrupted {
  const announced = budget.status?.disruptedPods ?? {};
  const kept: Record<string, string> = {};
  const overdue: Pod[] = [];
  let recheckMs: number | undefined;
  for (const pod of pods) {
    const since = announced[pod.metadata.name];
    if (since === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
    const left = Date.parse(since) + disruptionTimeoutMs - now;
    if (left < 0) overdue.push(pod);
    else {
      kept[pod.metadata.name] = since;
      recheckMs = Math.min(recheckMs ?? left, left);
    }
  }
  return { pods: kept, overdue, recheckMs };
}

export function healthyPods(pods: readonly Pod[], disrupted: Disrupted['pods']): number {
  return pods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined && disrupted[pod.metadata.name] === undefined && isPodReady(pod),
  ).length;
}

/** The status that says how many pods may go now: none while nothing is expected, so that the first pods are safe. */
export function budgetStatus(
  budget: PodDisruptionBudget,
  { expected, desired }: Expectation,
  healthy: number,
  disrupted: Disrupted['pods'],
  timestamp: string,
): PodDisruptionBudgetStatus {
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const observedGeneration = budget.metadata.generation ?? 0;
  return {
    currentHealthy: healthy,
    desiredHealthy: desired,
    disruptionsAllowed: allowed,
    expectedPods: expected,
    observedGeneration,
    ...(Object.keys(disrupted).length > 0 && { disruptedPods: disrupted }),
    conditions: disruptionAllowed(budget, allowed, observedGeneration, timestamp),
  };
}

function disruptionAllowed(
  { status }: PodDisruptionBudget,
  allowed: number,
  observedGeneration: number,
  timestamp: string,
): PodDisruptionBudgetStatus['conditions'] {
  const next = {
    type: 'DisruptionAllowed',
    status: allowed > 0 ? 'True' : 'False',
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration,
  };
  return setCondition(status?.conditions, next, timestamp);
}

/** Where the count failed nothing may go, whatever was true before. */
export function failedStatus(
  budget: PodDisruptionBudget,
  message: string,
  timestamp: string,
): PodDisruptionBudgetStatus {
  const { status } = budget;
  const next = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'SyncFailed',
    message,
    observedGeneration: budget.metadata.generation ?? 0,
  };
  return {
    ...status,
    currentHealthy: status?.currentHealthy ?? 0,
    desiredHealthy: status?.desiredHealthy ?? 0,
    expectedPods: status?.expectedPods ?? 0,
    disruptionsAllowed: 0,
    conditions: setCondition(status?.conditions, next, timestamp),
  };
}

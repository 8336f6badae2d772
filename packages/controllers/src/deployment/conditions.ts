import type { Deployment, DeploymentCondition } from '@keelson/core';

/** A moment as decisions need it: to count with, and to write down. */
export interface Now {
  readonly ms: number;
  readonly timestamp: string;
}

export type DeploymentConditionType = 'Available' | 'Progressing' | 'ReplicaFailure';

export function condition(
  type: DeploymentConditionType,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  now: Now,
): DeploymentCondition {
  return { type, status, lastUpdateTime: now.timestamp, lastTransitionTime: now.timestamp, reason, message };
}

export function find(
  conditions: readonly DeploymentCondition[],
  type: DeploymentConditionType,
): DeploymentCondition | undefined {
  return conditions.find((each) => each.type === type);
}

export function without(
  conditions: readonly DeploymentCondition[],
  type: DeploymentConditionType,
): readonly DeploymentCondition[] {
  return conditions.filter((each) => each.type !== type);
}

/** Puts a condition last in the list; one with the same status and reason stands as it is, and so keeps its message. */
export function put(
  conditions: readonly DeploymentCondition[],
  next: DeploymentCondition,
): readonly DeploymentCondition[] {
  const current = conditions.find((each) => each.type === next.type);
  if (current?.status === next.status && current.reason === next.reason) return conditions;
  const since = current?.status === next.status ? current.lastTransitionTime : next.lastTransitionTime;
  return [...conditions.filter((each) => each.type !== next.type), { ...next, lastTransitionTime: since }];
}

/** A Deployment without a deadline (or with the largest one) does not report progress at all. */
export function hasProgressDeadline(deployment: Deployment): boolean {
  const deadline = deployment.spec.progressDeadlineSeconds;
  return deadline !== undefined && deadline !== 2 ** 31 - 1;
}

/** Pausing stops the clock of the progress deadline; a rollout that timed out already says so all the same. */
export function pauseConditions(
  deployment: Deployment,
  conditions: readonly DeploymentCondition[],
  now: Now,
): readonly DeploymentCondition[] {
  const current = find(conditions, 'Progressing');
  if (!hasProgressDeadline(deployment) || current?.reason === 'ProgressDeadlineExceeded') return conditions;
  const wasPaused = current?.reason === 'DeploymentPaused';
  if (deployment.spec.paused === true && !wasPaused) {
    return put(conditions, condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', now));
  }
  if (deployment.spec.paused !== true && wasPaused) {
    return put(conditions, condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', now));
  }
  return conditions;
}

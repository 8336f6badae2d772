import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '@keelson/core';
import { condition, find, hasProgressDeadline, type Now, put, without } from './conditions.ts';
import { isComplete } from './status.ts';

/**
 * The status with its conditions `Progressing` and `ReplicaFailure`: complete, a step further than before, or timed out
 * since the last step.
 *
 * @param status as counted, with the conditions as they stand
 */
export function withProgress(
  deployment: Deployment,
  status: DeploymentStatus,
  all: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
  now: Now,
): DeploymentStatus {
  let conditions = status.conditions ?? [];
  if (!hasProgressDeadline(deployment)) conditions = without(conditions, 'Progressing');
  else conditions = progressing(deployment, { ...status, conditions }, current, now);
  const failure = replicaFailure(all, current);
  conditions = failure === undefined ? without(conditions, 'ReplicaFailure') : put(conditions, failure);
  return { ...status, conditions };
}

function progressing(
  deployment: Deployment,
  status: DeploymentStatus,
  current: ReplicaSet | undefined,
  now: Now,
): readonly DeploymentCondition[] {
  const conditions = status.conditions ?? [];
  const standing = find(conditions, 'Progressing');
  if ((status.replicas ?? 0) === (status.updatedReplicas ?? 0) && standing?.reason === 'NewReplicaSetAvailable') {
    return conditions;
  }
  const who =
    current === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${current.metadata.name}"`;
  if (isComplete(deployment, status)) {
    const message = `${who} has successfully progressed.`;
    return put(conditions, condition('Progressing', 'True', 'NewReplicaSetAvailable', message, now));
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    const next = condition('Progressing', 'True', 'ReplicaSetUpdated', `${who} is progressing.`, now);
    const since = standing?.status === 'True' ? standing.lastTransitionTime : now.timestamp;
    return [...without(conditions, 'Progressing'), { ...next, lastTransitionTime: since }];
  }
  if (hasTimedOut(deployment, status, now)) {
    const message = `${who} has timed out progressing.`;
    return put(conditions, condition('Progressing', 'False', 'ProgressDeadlineExceeded', message, now));
  }
  return conditions;
}

/** More pods of the new template, fewer of the old, or more ready or available than the last status knew. */
export function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, status: DeploymentStatus, now: Now): boolean {
  const standing = find(status.conditions ?? [], 'Progressing');
  if (standing === undefined || standing.reason === 'NewReplicaSetAvailable') return false;
  if (standing.reason === 'ProgressDeadlineExceeded') return true;
  return deadlineOf(deployment, standing, now) < now.ms;
}

function deadlineOf(deployment: Deployment, standing: DeploymentCondition, now: Now): number {
  const from = Date.parse(standing.lastUpdateTime ?? now.timestamp);
  return from + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;
}

/** Milliseconds until the rollout may have timed out, a second late as timestamps know no fractions; undefined: never. */
export function untilDeadline(deployment: Deployment, status: DeploymentStatus, now: Now): number | undefined {
  const standing = find(status.conditions ?? [], 'Progressing');
  if (!hasProgressDeadline(deployment) || deployment.spec.paused === true || standing === undefined) return undefined;
  if (isComplete(deployment, status) || standing.reason === 'ProgressDeadlineExceeded') return undefined;
  return Math.max(0, deadlineOf(deployment, standing, now) - now.ms) + 1000;
}

/** The new ReplicaSet's failure to create pods, or else an old one's. */
function replicaFailure(all: readonly ReplicaSet[], current: ReplicaSet | undefined): DeploymentCondition | undefined {
  const others = all.filter((each) => each.metadata.uid !== current?.metadata.uid);
  for (const replicaSet of [...(current ? [current] : []), ...others]) {
    const failure = replicaSet.status?.conditions?.find((each) => each.type === 'ReplicaFailure');
    if (failure !== undefined) return { ...failure, lastUpdateTime: failure.lastTransitionTime };
  }
  return undefined;
}

import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '@keelson/core';
import { condition, type Now, put } from './conditions.ts';
import { availableOf, desiredReplicas, fenceposts, sum, totalReplicas } from './replica-math.ts';

/** The status that the ReplicaSets amount to, with the condition `Available`; progress is judged in `progress.ts`. */
export function deploymentStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
  conditions: readonly DeploymentCondition[],
  now: Now,
): DeploymentStatus {
  const available = sum(all, availableOf);
  const updated = current?.status?.replicas ?? 0;
  const replicas = sum(all, (replicaSet) => replicaSet.status?.replicas ?? 0);
  const ready = sum(all, (replicaSet) => replicaSet.status?.readyReplicas ?? 0);
  const unavailable = Math.max(0, totalReplicas(all) - available);
  const collisionCount = deployment.status?.collisionCount;
  // A ReplicaSet that has not been looked at yet does not know, and then neither do we.
  const terminating = all.every((replicaSet) => replicaSet.status?.terminatingReplicas !== undefined)
    ? sum(all, (replicaSet) => replicaSet.status?.terminatingReplicas ?? 0)
    : undefined;
  return {
    ...(deployment.metadata.generation !== undefined && { observedGeneration: deployment.metadata.generation }),
    ...(replicas > 0 && { replicas }),
    ...(updated > 0 && { updatedReplicas: updated }),
    ...(ready > 0 && { readyReplicas: ready }),
    ...(available > 0 && { availableReplicas: available }),
    ...(unavailable > 0 && { unavailableReplicas: unavailable }),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    ...(collisionCount !== undefined && { collisionCount }),
    conditions: put(conditions, availability(deployment, available, now)),
  };
}

function availability(deployment: Deployment, available: number, now: Now): DeploymentCondition {
  return available >= desiredReplicas(deployment) - fenceposts(deployment).maxUnavailable
    ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', now)
    : condition(
        'Available',
        'False',
        'MinimumReplicasUnavailable',
        'Deployment does not have minimum availability.',
        now,
      );
}

/** Every pod is of the new template, as many as desired, and available; and nothing old is left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

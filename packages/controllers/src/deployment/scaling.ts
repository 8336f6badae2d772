import { type Deployment, type ReplicaSet, wellKnown } from '@keelson/core';
import {
  activeOnly,
  availableOf,
  byAge,
  desiredReplicas,
  fenceposts,
  isRollingUpdate,
  replicasOf,
  totalReplicas,
} from './replica-math.ts';
import type { Resize } from './rolling-update.ts';

/** Whether the Deployment was scaled since its ReplicaSets were last sized: they remember the number they were sized for. */
export function isScalingEvent(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
  return activeOnly(all).some((replicaSet) => {
    const remembered = numberAnnotation(replicaSet, wellKnown.deploymentDesiredReplicas);
    return remembered !== undefined && remembered !== desiredReplicas(deployment);
  });
}

/**
 * Sizes for a Deployment that was scaled or is paused: all to the one active ReplicaSet (or the newest, if none is);
 * if the new one is complete, nothing is left to the old; amid a rolling update, to each in proportion to its share.
 */
export function scaleAll(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Resize[] {
  const desired = desiredReplicas(deployment);
  const all = [...old, ...(current ? [current] : [])];
  const active = activeOnly(all);
  if (active.length <= 1) {
    const only = active[0] ?? current ?? byAge(old).at(-1);
    return only === undefined || replicasOf(only) === desired ? [] : [{ replicaSet: only, replicas: desired }];
  }
  if (current !== undefined && isSaturated(deployment, current)) {
    return activeOnly(old).map((replicaSet) => ({ replicaSet, replicas: 0 }));
  }
  return isRollingUpdate(deployment) ? proportional(deployment, active) : [];
}

function isSaturated(deployment: Deployment, replicaSet: ReplicaSet): boolean {
  const desired = desiredReplicas(deployment);
  return (
    replicasOf(replicaSet) === desired &&
    numberAnnotation(replicaSet, wellKnown.deploymentDesiredReplicas) === desired &&
    availableOf(replicaSet) === desired
  );
}

/** What rounding leaves over goes to the largest ReplicaSet: the newer of two equals gains, the older loses. */
function proportional(deployment: Deployment, active: readonly ReplicaSet[]): readonly Resize[] {
  const desired = desiredReplicas(deployment);
  const allowed = desired > 0 ? desired + fenceposts(deployment).maxSurge : 0;
  const toAdd = allowed - totalReplicas(active);
  const aged = byAge(active);
  const ordered = (toAdd > 0 ? aged.reverse() : aged).sort((a, b) => replicasOf(b) - replicasOf(a));
  let added = 0;
  const sizes = ordered.map((replicaSet) => {
    const change = toAdd === 0 ? 0 : share(deployment, replicaSet, toAdd, added);
    added += change;
    return { replicaSet, replicas: replicasOf(replicaSet) + change };
  });
  return sizes.map((size, index) =>
    index === 0 && toAdd !== 0 ? { ...size, replicas: Math.max(0, size.replicas + toAdd - added) } : size,
  );
}

function share(deployment: Deployment, replicaSet: ReplicaSet, toAdd: number, added: number): number {
  const replicas = replicasOf(replicaSet);
  if (replicas === 0 || toAdd === added) return 0;
  const left = toAdd - added;
  const fair = fairShare(deployment, replicaSet);
  return toAdd > 0 ? Math.min(fair, left) : Math.max(fair, left);
}

function fairShare(deployment: Deployment, replicaSet: ReplicaSet): number {
  const replicas = replicasOf(replicaSet);
  const desired = desiredReplicas(deployment);
  if (desired === 0) return -replicas;
  const before = numberAnnotation(replicaSet, wellKnown.deploymentMaxReplicas) || deployment.status?.replicas || 0;
  if (before === 0) return 0;
  return roundHalfAway((replicas * (desired + fenceposts(deployment).maxSurge)) / before) - replicas;
}

function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}

function numberAnnotation(replicaSet: ReplicaSet, name: string): number | undefined {
  const value = replicaSet.metadata.annotations?.[name];
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/** The annotations by which a ReplicaSet remembers the size of its Deployment. */
export function sizeAnnotations(deployment: Deployment): Readonly<Record<string, string>> {
  const desired = desiredReplicas(deployment);
  return {
    [wellKnown.deploymentDesiredReplicas]: String(desired),
    [wellKnown.deploymentMaxReplicas]: String(desired + fenceposts(deployment).maxSurge),
  };
}

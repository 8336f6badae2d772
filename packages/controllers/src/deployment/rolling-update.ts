import type { Deployment, ReplicaSet } from '@keelson/core';
import { availableOf, byAge, desiredReplicas, fenceposts, replicasOf, sum, totalReplicas } from './replica-math.ts';

/** What a ReplicaSet's `spec.replicas` should become. */
export interface Resize {
  readonly replicaSet: ReplicaSet;
  readonly replicas: number;
}

/** Replicas for the new ReplicaSet: as many as the surge above the desired number leaves room for. */
export function newReplicas(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  current: number,
  { rolling = true }: { readonly rolling?: boolean } = {},
): number {
  const desired = desiredReplicas(deployment);
  if (!rolling) return desired;
  const room = desired + fenceposts(deployment).maxSurge - totalReplicas(all);
  return room <= 0 ? current : current + Math.min(room, desired - current);
}

/** The next move of the new ReplicaSet in a rolling update; undefined if it stands. */
export function resizeNew(deployment: Deployment, current: ReplicaSet, all: readonly ReplicaSet[]): Resize | undefined {
  const desired = desiredReplicas(deployment);
  const replicas = replicasOf(current);
  if (replicas === desired) return undefined;
  const next = replicas > desired ? desired : newReplicas(deployment, all, replicas);
  return next === replicas ? undefined : { replicaSet: current, replicas: next };
}

/**
 * How far the old ReplicaSets can shrink now without fewer than `desired - maxUnavailable` pods being available: first
 * by replicas that are not available anyway, oldest first, then by available ones.
 */
export function resizeOld(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): readonly Resize[] {
  const minAvailable = desiredReplicas(deployment) - fenceposts(deployment).maxUnavailable;
  const newUnavailable = replicasOf(current) - availableOf(current);
  const surplus = totalReplicas(old) + replicasOf(current) - minAvailable - newUnavailable;
  if (surplus <= 0 || totalReplicas(old) === 0) return [];
  const sizes = new Map(byAge(old).map((replicaSet) => [replicaSet, replicasOf(replicaSet)]));
  let broken = surplus;
  for (const [replicaSet, replicas] of sizes) {
    const take = Math.min(broken, Math.max(0, replicas - availableOf(replicaSet)));
    sizes.set(replicaSet, replicas - take);
    broken -= take;
  }
  let spare = Math.max(0, sum([...old, current], availableOf) - minAvailable);
  for (const [replicaSet, replicas] of sizes) {
    const take = Math.min(spare, replicas);
    sizes.set(replicaSet, replicas - take);
    spare -= take;
  }
  return [...sizes]
    .filter(([replicaSet, replicas]) => replicas !== replicasOf(replicaSet))
    .map(([replicaSet, replicas]) => ({ replicaSet, replicas }));
}

import { type Deployment, type ReplicaSet, wellKnown } from '@keelson/core';
import { byAge, replicasOf } from './replica-math.ts';

/** What belongs to the Deployment or to its ReplicaSet alone is not handed down. */
const ownAnnotations: ReadonlySet<string> = new Set([
  wellKnown.lastApplied,
  wellKnown.deploymentRevision,
  wellKnown.deploymentRevisionHistory,
  wellKnown.deploymentDesiredReplicas,
  wellKnown.deploymentMaxReplicas,
  'deprecated.deployment.rollback.to',
]);

const maxHistoryLength = 2_000;

/** Revisions are 64 bits wide: a ReplicaSet may come with any that somebody has written on it. */
export function revisionOf(replicaSet: ReplicaSet): bigint {
  const revision = replicaSet.metadata.annotations?.[wellKnown.deploymentRevision] ?? '';
  return /^\d+$/.test(revision) ? BigInt(revision) : 0n;
}

export function nextRevision(old: readonly ReplicaSet[]): bigint {
  return old.map(revisionOf).reduce((latest, each) => (each > latest ? each : latest), 0n) + 1n;
}

/**
 * The annotations of the new ReplicaSet: the Deployment's, and its revision. A ReplicaSet that is new for a second time
 * (a rollback) gets the next revision, and remembers the ones it had.
 */
export function revisionAnnotations(
  deployment: Deployment,
  existing: Readonly<Record<string, string>>,
  revision: bigint,
): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = { ...existing };
  for (const [name, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!ownAnnotations.has(name)) annotations[name] = value;
  }
  const had = existing[wellKnown.deploymentRevision];
  if (had !== undefined && had !== '' && !/^\d+$/.test(had)) return annotations;
  if (BigInt(had || 0) >= revision) return annotations;
  annotations[wellKnown.deploymentRevision] = String(revision);
  if (had) {
    const history = (existing[wellKnown.deploymentRevisionHistory] ?? '').split(',').filter((each) => each !== '');
    history.push(had);
    while (history.length > 1 && history.join(',').length > maxHistoryLength) history.shift();
    annotations[wellKnown.deploymentRevisionHistory] = history.join(',');
  }
  return annotations;
}

/** Old ReplicaSets beyond `revisionHistoryLimit`, oldest revision first; what still has or wants pods is kept. */
export function beyondHistory(deployment: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit ?? 10;
  const cleanable = old.filter((replicaSet) => replicaSet.metadata.deletionTimestamp === undefined);
  const surplus = cleanable.length - limit;
  if (surplus <= 0 || limit === 2 ** 31 - 1) return [];
  return byAge(cleanable)
    .sort((a, b) => Number(revisionOf(a) - revisionOf(b)))
    .slice(0, surplus)
    .filter(
      (replicaSet) =>
        replicasOf(replicaSet) === 0 &&
        (replicaSet.status?.replicas ?? 0) === 0 &&
        (replicaSet.metadata.generation ?? 0) <= (replicaSet.status?.observedGeneration ?? 0),
    );
}

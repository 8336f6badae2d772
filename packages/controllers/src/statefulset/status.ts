import type { Pod, StatefulSet, StatefulSetStatus } from '@keelson/core';
import { isPodAvailable, isPodReady, podPhase } from '../pod-control/index.ts';
import { replicasOf, revisionOf } from './identity.ts';
import type { Revisions, Step } from './steps.ts';

/** The status that pods and the steps just done amount to. */
export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  done: readonly Step[],
  revisions: Revisions,
  collisionCount: number,
  now: number,
): StatefulSetStatus {
  const minReady = set.spec.minReadySeconds ?? 0;
  const ready = pods.filter((pod) => podPhase(pod) === 'Running' && isPodReady(pod));
  const available = ready.filter((pod) => isPodAvailable(pod, minReady, now)).length;
  const created = done.flatMap((step) => (step.type === 'create' ? [step.revision] : []));
  const deleted = new Set(done.flatMap((step) => (step.type === 'delete' ? [step.pod.metadata.uid] : [])));
  const standing = [
    ...pods
      .filter((pod) => pod.metadata.deletionTimestamp === undefined && !deleted.has(pod.metadata.uid))
      .map(revisionOf),
    ...created,
  ];
  const replicas = pods.length + created.length;
  const count = (revision: string) => standing.filter((each) => each === revision).length;
  const updated = count(revisions.update);
  const rolledOut =
    set.spec.updateStrategy?.type === 'RollingUpdate' &&
    updated === replicas &&
    ready.length === replicas &&
    replicas === replicasOf(set);
  const current = rolledOut ? revisions.update : revisions.current;
  const currentReplicas = count(current);
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas,
    ...(ready.length > 0 && { readyReplicas: ready.length }),
    ...(currentReplicas > 0 && { currentReplicas }),
    ...(updated > 0 && { updatedReplicas: updated }),
    currentRevision: current,
    updateRevision: revisions.update,
    collisionCount,
    availableReplicas: available,
    ...(set.status?.conditions && { conditions: set.status.conditions }),
  };
}

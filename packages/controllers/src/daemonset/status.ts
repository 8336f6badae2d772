import type { DaemonSetStatus } from '@keelson/core';
import { isPodAvailable, isPodReady } from '../pod-control/index.ts';
import { isUpdated } from './daemon-pod.ts';
import type { View } from './manage.ts';

/** The status that pods on nodes amount to; of several on one node the oldest counts. */
export function daemonSetStatus(view: View, collisionCount: number | undefined): DaemonSetStatus {
  const { set, hash, now, nodes } = view;
  const desired = nodes.filter(({ placement }) => placement.run);
  const first = desired.map(({ pods }) => pods[0]).filter((pod) => pod !== undefined);
  const ready = first.filter(isPodReady);
  const available = ready.filter((pod) => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length;
  const updated = first.filter((pod) => isUpdated(pod, set, hash)).length;
  const unavailable = desired.length - available;
  return {
    currentNumberScheduled: first.length,
    desiredNumberScheduled: desired.length,
    numberMisscheduled: nodes.filter(({ placement, pods }) => !placement.run && pods.length > 0).length,
    numberReady: ready.length,
    ...(set.metadata.generation !== undefined && { observedGeneration: set.metadata.generation }),
    ...(updated > 0 && { updatedNumberScheduled: updated }),
    ...(available > 0 && { numberAvailable: available }),
    ...(unavailable > 0 && { numberUnavailable: unavailable }),
    ...(collisionCount !== undefined && { collisionCount }),
    ...(set.status?.conditions && { conditions: set.status.conditions }),
  };
}

import { type Clock, type Pod, timestamp } from '@keelson/core';

/** The status patch that says why a pod has no node yet; undefined if the pod says so already. */
export function unscheduledPatch(
  pod: Pod,
  reason: 'Unschedulable' | 'SchedulerError',
  message: string,
  nominatedNode: string | undefined,
  clock: Clock,
): object | undefined {
  const known = pod.status?.conditions?.find((each) => each.type === 'PodScheduled');
  const sameCondition = known?.status === 'False' && known.reason === reason && known.message === message;
  const sameNomination = nominatedNode === undefined || pod.status?.nominatedNodeName === nominatedNode;
  if (sameCondition && sameNomination) return undefined;
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    observedGeneration: pod.metadata.generation,
    lastProbeTime: null,
    lastTransitionTime: known?.status === 'False' ? known.lastTransitionTime : timestamp(clock),
  };
  return {
    metadata: { uid: pod.metadata.uid },
    status: {
      ...(!sameCondition && { conditions: [condition] }),
      ...(nominatedNode !== undefined && { nominatedNodeName: nominatedNode }),
    },
  };
}

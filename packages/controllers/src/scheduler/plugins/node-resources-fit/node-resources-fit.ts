import type { Pod } from '@keelson/core';
import type {
  CycleState,
  EventRegistration,
  NodeInfo,
  ResourceAmounts,
  SchedulerPlugin,
  SchedulingStatus,
} from '@keelson/core/scheduling';
import { amountsOf, podRequests } from '../../cache/amounts.ts';

/** Whether the node has room for the pod's requests; among those that have, the emptiest scores highest. */
export class NodeResourcesFit implements SchedulerPlugin {
  readonly name = 'NodeResourcesFit';

  filter(_pod: Pod, node: NodeInfo, state: CycleState): SchedulingStatus {
    const { requests } = state.podInfo;
    const { allocatable, requested } = node;
    if (
      requested.pods + 1 <= allocatable.pods &&
      (requests.milliCpu === 0 || requests.milliCpu <= allocatable.milliCpu - requested.milliCpu) &&
      (requests.memory === 0 || requests.memory <= allocatable.memory - requested.memory) &&
      (requests.ephemeralStorage === 0 ||
        requests.ephemeralStorage <= allocatable.ephemeralStorage - requested.ephemeralStorage) &&
      requests.extended.size === 0
    ) {
      return undefined;
    }
    return insufficient(requests, allocatable, requested);
  }

  score(_pod: Pod, node: NodeInfo, state: CycleState): number {
    const { nonZeroRequests } = state.podInfo;
    const { allocatable, nonZeroRequested } = node;
    let sum = 0;
    let weights = 0;
    if (allocatable.milliCpu > 0) {
      sum += free(allocatable.milliCpu, nonZeroRequested.milliCpu + nonZeroRequests.milliCpu);
      weights += 1;
    }
    if (allocatable.memory > 0) {
      sum += free(allocatable.memory, nonZeroRequested.memory + nonZeroRequests.memory);
      weights += 1;
    }
    return weights === 0 ? 0 : Math.trunc(sum / weights);
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      { on: ['AssignedPodDeleted', 'AssignedPodChanged', 'PodChanged'] },
      {
        on: ['NodeAdded', 'NodeAllocatableChanged'],
        helps: (pod, { node }) => {
          if (!node) return true;
          const requests = podRequests(pod, { nonZero: false });
          return insufficient(requests, amountsOf(node.status?.allocatable), nothing) === undefined;
        },
      },
    ];
  }
}

const nothing: ResourceAmounts = { milliCpu: 0, memory: 0, ephemeralStorage: 0, pods: 0, extended: new Map() };

function free(capacity: number, requested: number): number {
  return requested > capacity ? 0 : Math.trunc(((capacity - requested) * 100) / capacity);
}

/** Names everything that is lacking; unresolvable if even the empty node would be too small. */
export function insufficient(
  requests: ResourceAmounts,
  allocatable: ResourceAmounts,
  requested: ResourceAmounts,
): SchedulingStatus {
  const reasons: string[] = [];
  let tooSmall = false;
  const look = (name: string, wanted: number, capacity: number, used: number) => {
    if (wanted === 0 || wanted <= capacity - used) return;
    reasons.push(`Insufficient ${name}`);
    tooSmall ||= wanted > capacity;
  };
  if (requested.pods + 1 > allocatable.pods) reasons.push('Too many pods');
  look('cpu', requests.milliCpu, allocatable.milliCpu, requested.milliCpu);
  look('memory', requests.memory, allocatable.memory, requested.memory);
  look('ephemeral-storage', requests.ephemeralStorage, allocatable.ephemeralStorage, requested.ephemeralStorage);
  for (const [name, wanted] of requests.extended) {
    look(name, wanted, allocatable.extended.get(name) ?? 0, requested.extended.get(name) ?? 0);
  }
  return reasons.length === 0 ? undefined : { code: tooSmall ? 'unresolvable' : 'unschedulable', reasons };
}

import type { Pod } from '@keelson/core';
import type { CycleState, NodeInfo, SchedulerPlugin, SchedulingStatus } from '@keelson/core/scheduling';

/** Prefers nodes on which CPU and memory would be used to the same share. */
export class NodeResourcesBalancedAllocation implements SchedulerPlugin {
  readonly name = 'NodeResourcesBalancedAllocation';

  preScore(_pod: Pod, _nodes: readonly NodeInfo[], state: CycleState): SchedulingStatus {
    const { requests } = state.podInfo;
    return requests.milliCpu === 0 && requests.memory === 0 ? { code: 'skip' } : undefined;
  }

  score(_pod: Pod, node: NodeInfo, state: CycleState): number {
    const { requests } = state.podInfo;
    const { allocatable, requested } = node;
    if (allocatable.milliCpu === 0 || allocatable.memory === 0) return 100;
    const cpu = Math.min(1, (requested.milliCpu + requests.milliCpu) / allocatable.milliCpu);
    const memory = Math.min(1, (requested.memory + requests.memory) / allocatable.memory);
    return Math.trunc((1 - Math.abs(cpu - memory) / 2) * 100);
  }
}

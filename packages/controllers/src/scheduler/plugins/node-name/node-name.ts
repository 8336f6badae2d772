import type { Pod } from '@keelson/core';
import type { EventRegistration, NodeInfo, SchedulerPlugin, SchedulingStatus } from '@keelson/core/scheduling';

const otherNode: SchedulingStatus = {
  code: 'unresolvable',
  reasons: ["node(s) didn't match the requested node name"],
};

/** A pod that names its node fits nowhere else. */
export class NodeName implements SchedulerPlugin {
  readonly name = 'NodeName';

  preFilter(pod: Pod): SchedulingStatus {
    return pod.spec?.nodeName ? undefined : { code: 'skip' };
  }

  filter(pod: Pod, node: NodeInfo): SchedulingStatus {
    const wanted = pod.spec?.nodeName;
    return !wanted || wanted === node.name ? undefined : otherNode;
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [{ on: ['NodeAdded'] }];
  }
}

import { type Pod, type Taint, wellKnown } from '@keelson/core';
import type {
  CycleState,
  EventRegistration,
  NodeInfo,
  SchedulerPlugin,
  SchedulingStatus,
} from '@keelson/core/scheduling';
import { isTolerated } from '../taint-toleration/tolerates.ts';

const cordoned: SchedulingStatus = { code: 'unresolvable', reasons: ['node(s) were unschedulable'] };
const taint: Taint = { key: wellKnown.unschedulableTaint, effect: 'NoSchedule' };

/** Keeps pods off cordoned nodes, unless they tolerate `node.kubernetes.io/unschedulable`. */
export class NodeUnschedulable implements SchedulerPlugin {
  readonly name = 'NodeUnschedulable';

  filter(_pod: Pod, node: NodeInfo, state: CycleState): SchedulingStatus {
    if (!node.node.spec?.unschedulable) return undefined;
    return isTolerated(state.podInfo.tolerations, taint) ? undefined : cordoned;
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      { on: ['NodeAdded', 'NodeTaintsChanged'], helps: (_pod, { node }) => !node?.spec?.unschedulable },
      { on: ['PodChanged'] },
    ];
  }
}

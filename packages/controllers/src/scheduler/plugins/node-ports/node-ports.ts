import type { Pod } from '@keelson/core';
import type {
  CycleState,
  EventRegistration,
  HostPort,
  NodeInfo,
  SchedulerPlugin,
  SchedulingStatus,
} from '@keelson/core/scheduling';
import { hostPorts } from '../../cache/pod-info.ts';

const taken = "node(s) didn't have free ports for the requested pod ports";
const anyAddress = '0.0.0.0';

export function conflicts(a: HostPort, b: HostPort): boolean {
  return (
    a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress)
  );
}

/** Host ports can be given to one pod of a node only. */
export class NodePorts implements SchedulerPlugin {
  readonly name = 'NodePorts';

  preFilter(_pod: Pod, state: CycleState): SchedulingStatus {
    return state.podInfo.ports.length === 0 ? { code: 'skip' } : undefined;
  }

  filter(_pod: Pod, node: NodeInfo, state: CycleState): SchedulingStatus {
    for (const wanted of state.podInfo.ports) {
      for (const used of node.usedPorts) if (conflicts(wanted, used)) return taken;
    }
    return undefined;
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      { on: ['NodeAdded'] },
      {
        on: ['AssignedPodDeleted'],
        helps: (pod, event) => {
          const freed = event.pod ? hostPorts(event.pod) : [];
          return hostPorts(pod).some((wanted) => freed.some((each) => conflicts(wanted, each)));
        },
      },
    ];
  }
}

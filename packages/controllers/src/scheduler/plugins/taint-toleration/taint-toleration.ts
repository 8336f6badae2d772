import type { Pod, Taint } from '@keelson/core';
import type {
  CycleState,
  EventRegistration,
  NodeInfo,
  SchedulerPlugin,
  SchedulingStatus,
} from '@keelson/core/scheduling';
import { normalizeToMaximum } from '../../framework/normalize.ts';
import { isTolerated } from './tolerates.ts';

const untolerated: SchedulingStatus = { code: 'unresolvable', reasons: ['node(s) had untolerated taint(s)'] };
const keepsAway = (taint: Taint) => taint.effect === 'NoSchedule' || taint.effect === 'NoExecute';

/** Nodes whose taints the pod does not tolerate: never for NoSchedule and NoExecute, rather not for PreferNoSchedule. */
export class TaintToleration implements SchedulerPlugin {
  readonly name = 'TaintToleration';
  readonly weight = 3;

  filter(_pod: Pod, node: NodeInfo, state: CycleState): SchedulingStatus {
    const taints = node.node.spec?.taints;
    if (!taints) return undefined;
    for (const taint of taints) {
      if (keepsAway(taint) && !isTolerated(state.podInfo.tolerations, taint)) return untolerated;
    }
    return undefined;
  }

  preScore(_pod: Pod, nodes: readonly NodeInfo[]): SchedulingStatus {
    return nodes.some((each) => each.node.spec?.taints?.some((taint) => taint.effect === 'PreferNoSchedule'))
      ? undefined
      : { code: 'skip' };
  }

  score(_pod: Pod, node: NodeInfo, state: CycleState): number {
    let count = 0;
    for (const taint of node.node.spec?.taints ?? []) {
      if (taint.effect === 'PreferNoSchedule' && !isTolerated(state.podInfo.tolerations, taint)) count += 1;
    }
    return count;
  }

  normalize(_pod: Pod, scores: Float64Array): void {
    normalizeToMaximum(scores, true);
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      {
        on: ['NodeAdded', 'NodeTaintsChanged'],
        helps: (pod, { node }) =>
          !node?.spec?.taints?.some((taint) => keepsAway(taint) && !isTolerated(pod.spec?.tolerations ?? [], taint)),
      },
      { on: ['PodChanged'] },
    ];
  }
}

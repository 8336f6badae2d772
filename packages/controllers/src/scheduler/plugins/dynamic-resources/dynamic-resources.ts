import type { Pod } from '@keelson/core';
import {
  type CycleState,
  type FilterOutcome,
  type PostFilterResult,
  type SchedulerPlugin,
  type SchedulingStatus,
  stateKey,
} from '@keelson/core/scheduling';

const reached = stateKey<boolean>('DynamicResources');

/**
 * Holds the place of Kubernetes' plugin of that name. Resource claims are not allocated here: a pod that names one stays
 * pending and says why. Its part in the text of unschedulable pods is the one Kubernetes v1.35 gives.
 */
export class DynamicResources implements SchedulerPlugin {
  readonly name = 'DynamicResources';

  preFilter(pod: Pod, state: CycleState): SchedulingStatus {
    state.write(reached, true);
    const claims = pod.spec?.resourceClaims ?? [];
    if (claims.length === 0) return undefined;
    return {
      code: 'unresolvable',
      reasons: [
        `pod claims resources that this cluster cannot allocate: ${claims.map((each) => each.name).join(', ')}`,
      ],
    };
  }

  async postFilter(_pod: Pod, state: CycleState, _outcome: FilterOutcome): Promise<PostFilterResult> {
    return state.read(reached) ? { reasons: ['no new claims to deallocate'] } : { reasons: ['not found'], stop: true };
  }

  eventsToRegister() {
    return [{ on: ['PodChanged'] as const }];
  }
}

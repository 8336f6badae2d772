import type { Pod } from '@keelson/core';
import type { EventRegistration, SchedulerPlugin, SchedulingStatus } from '@keelson/core/scheduling';

/** Holds pods out of the queue as long as `spec.schedulingGates` has an entry (KEP-3521). */
export class SchedulingGates implements SchedulerPlugin {
  readonly name = 'SchedulingGates';

  preEnqueue(pod: Pod): SchedulingStatus {
    const gates = pod.spec?.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return {
      code: 'unresolvable',
      reasons: [`waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`],
    };
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [{ on: ['PodChanged'] }];
  }
}

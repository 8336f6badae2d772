import { Pod, type PodCondition } from '@keelson/core';
import { emptyOf } from '../../schema/index.ts';
import type { Draft } from '../draft.ts';
import { strategyFor } from '../strategy.ts';
import { defaultPod, defaultPodSpec, defaultWholePod } from './pod-defaults.ts';
import { qosClassOf } from './pod-qos.ts';
import { validateNewPod, validatePod } from './pod-validation.ts';
import { settleAppArmor } from './pods/app-armor-fields.ts';
import { validatePodStatusUpdate } from './pods/pod-status.ts';
import { validatePodSubresource } from './pods/pod-subresources.ts';
import { validatePodUpdate } from './pods/pod-update.ts';
import { podWarnings } from './pods/pod-warnings.ts';

/** `podIP` is the first of `podIPs`, whoever wrote which of them; where they differ, `podIP` counts. */
function settleIps(status: Draft<Pod>['status']): void {
  if (!status) return;
  const { podIP, podIPs } = status;
  if (podIP && podIPs?.[0]?.ip !== podIP) status.podIPs = [{ ip: podIP }];
  else if (!podIP && podIPs?.[0]?.ip) status.podIP = podIPs[0].ip;
}

/** Less than no time is one second. */
function settleGrace({ spec }: Draft<Pod>): void {
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
}

/** Fields of the status behind gates that are shut in v1.35 (KEP-4680, KEP-5004, KEP-5419): they are dropped. */
function dropGated(status: NonNullable<Draft<Pod>['status']>): void {
  delete status.extendedResourceClaimStatus;
  delete status.resources;
  delete status.allocatedResources;
  for (const list of [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses]) {
    for (const each of list ?? []) delete each.allocatedResourcesStatus;
  }
}

/** Whether cpu or memory are said of the pod as a whole. */
const saysCpuOrMemory = (whole: Pod['spec']['resources']) =>
  [whole?.requests, whole?.limits].some((each) => each?.['cpu'] !== undefined || each?.['memory'] !== undefined);

export const podStrategy = strategyFor(Pod, {
  generation: 'spec',
  defaults(pod) {
    defaultPodSpec(pod.spec);
    defaultPod(pod.spec);
    settleIps(pod.status);
  },
  prepareCreate(pod, { warn }) {
    settleGrace(pod);
    settleAppArmor(pod, warn);
    pod.status = { phase: 'Pending', qosClass: qosClassOf(pod.spec) };
    // Limit ranges may have given its containers more than they said. Huge pages alone are refused. The
    // class goes by what was said.
    if (saysCpuOrMemory(pod.spec.resources)) defaultWholePod(pod.spec);
    if ((pod.spec.schedulingGates?.length ?? 0) > 0) {
      pod.status.conditions = [
        {
          ...(emptyOf('io.k8s.api.core.v1.PodCondition') as PodCondition),
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
          lastTransitionTime: pod.metadata.creationTimestamp,
        },
      ];
    }
  },
  prepareUpdate(pod, old) {
    settleGrace(pod);
    const { spec } = pod;
    const before = old.spec;
    // Admission gave these; who does not mention them keeps them.
    if (spec.priority === undefined && before.priority !== undefined) spec.priority = before.priority;
    if (spec.preemptionPolicy === undefined && before.preemptionPolicy !== undefined) {
      spec.preemptionPolicy = before.preemptionPolicy;
    }
  },
  prepareStatusUpdate(pod, old) {
    if (pod.status) dropGated(pod.status);
    if (pod.status && !pod.status.qosClass && old.status?.qosClass) pod.status.qosClass = old.status.qosClass;
  },
  validate: (pod, errors, old) => (old ? validatePod(pod, errors, old) : validateNewPod(pod, errors)),
  validateUpdate: validatePodUpdate,
  validateStatusUpdate: validatePodStatusUpdate,
  validateSubresource: validatePodSubresource,
  warnings: podWarnings,
  gracePeriod(pod, asked) {
    if (!pod.spec.nodeName) return 0;
    const { phase } = pod.status ?? {};
    if (phase === 'Succeeded' || phase === 'Failed') return 0;
    const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    return seconds < 0 ? 1 : seconds;
  },
});

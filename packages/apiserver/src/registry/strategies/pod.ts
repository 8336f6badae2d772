import { deepEqual, Pod, type PodSpec } from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { defaultPod, defaultPodSpec } from './pod-defaults.ts';
import { qosClassOf } from './pod-qos.ts';
import { validateNewPod, validatePod } from './pod-validation.ts';
import { podWarnings } from './pods/pod-warnings.ts';

export const podStrategy = strategyFor(Pod, {
  generation: 'spec',
  defaults(pod) {
    defaultPodSpec(pod.spec);
    defaultPod(pod.spec);
  },
  prepareCreate(pod) {
    pod.status = { phase: 'Pending', qosClass: qosClassOf(pod.spec) };
    if ((pod.spec.schedulingGates?.length ?? 0) > 0) {
      pod.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
          lastTransitionTime: pod.metadata.creationTimestamp,
        },
      ];
    }
  },
  prepareStatusUpdate(pod, old) {
    if (pod.status && old.status?.qosClass) pod.status.qosClass = old.status.qosClass;
  },
  validate: (pod, errors, old) => (old ? validatePod(pod, errors, old) : validateNewPod(pod, errors)),
  validateUpdate: (pod, old, errors) => checkPodUpdate(pod.spec, old.spec, errors),
  warnings: podWarnings,
  gracePeriod(pod, asked) {
    if (!pod.spec.nodeName) return 0;
    const { phase } = pod.status ?? {};
    if (phase === 'Succeeded' || phase === 'Failed') return 0;
    const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    return seconds < 0 ? 1 : seconds;
  },
});

/** Of a pod's spec only images, deadlines, tolerations and gates may change (kubernetes.io/docs/concepts/workloads/pods). */
function checkPodUpdate(spec: PodSpec, old: PodSpec, errors: FieldErrors): void {
  if (deepEqual(spec, old)) return;
  if (deepEqual(mutableParts(spec, old), old)) return;
  const changed = Object.keys({ ...spec, ...old }).filter(
    (field) =>
      !deepEqual(field in spec ? Reflect.get(mutableParts(spec, old), field) : undefined, Reflect.get(old, field)),
  );
  errors.forbidden(
    'spec',
    `pod updates may not change fields other than \`spec.containers[*].image\`,\`spec.initContainers[*].image\`,\`spec.activeDeadlineSeconds\`,\`spec.tolerations\` (only additions to existing tolerations),\`spec.terminationGracePeriodSeconds\` (allow it to be set to 1 if it was previously negative)\n  changed: ${changed.join(', ')}\n`,
  );
}

/** `spec` with all that may change put back to what it was. */
function mutableParts(spec: PodSpec, old: PodSpec): PodSpec {
  const images = (containers: PodSpec['containers'] | undefined, before: PodSpec['containers'] | undefined) =>
    containers?.map((each, at) => ({ ...each, image: before?.[at]?.image }));
  const gates = (spec.schedulingGates ?? []).every((gate) =>
    old.schedulingGates?.some((each) => each.name === gate.name),
  );
  const tolerations = (old.tolerations ?? []).every((each) =>
    spec.tolerations?.some((now) => sameToleration(now, each)),
  );
  const result: Draft<PodSpec> = {
    ...(spec as Draft<PodSpec>),
    containers: images(spec.containers, old.containers) as Draft<PodSpec>['containers'],
    initContainers: images(spec.initContainers, old.initContainers) as Draft<PodSpec>['initContainers'],
    activeDeadlineSeconds: old.activeDeadlineSeconds,
  };
  if (gates) result.schedulingGates = old.schedulingGates as Draft<PodSpec>['schedulingGates'];
  if (tolerations) result.tolerations = old.tolerations as Draft<PodSpec>['tolerations'];
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    result.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  }
  return result as PodSpec;
}

const sameToleration = (
  a: NonNullable<PodSpec['tolerations']>[number],
  b: NonNullable<PodSpec['tolerations']>[number],
) =>
  a.key === b.key &&
  (a.operator ?? 'Equal') === (b.operator ?? 'Equal') &&
  (a.value ?? '') === (b.value ?? '') &&
  a.effect === b.effect;

import { intOrPercent, type Pod, type StatefulSet } from '@keelson/core';
import { isPodAvailable, isPodReady, podPhase } from '../pod-control/index.ts';
import { identityLabels, ordinalOf, replicasOf, revisionOf, startOf } from './identity.ts';

/** What is to be done about the pods of a set now. */
export type Step =
  | { readonly type: 'create'; readonly ordinal: number; readonly revision: string }
  | { readonly type: 'delete'; readonly pod: Pod }
  | { readonly type: 'label'; readonly pod: Pod; readonly labels: Readonly<Record<string, string>> };

export interface Revisions {
  readonly current: string;
  readonly update: string;
}

const isTerminating = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined;
const isRunningAndReady = (pod: Pod) => podPhase(pod) === 'Running' && isPodReady(pod);
const hasEnded = (pod: Pod) => podPhase(pod) === 'Failed' || podPhase(pod) === 'Succeeded';

/** The pods that a set wants, by place, and those that it has too many, the highest ordinal first. */
export function arrange(set: StatefulSet, pods: readonly Pod[]) {
  const start = startOf(set);
  const wanted: (Pod | undefined)[] = Array.from({ length: replicasOf(set) });
  const condemned: { readonly pod: Pod; readonly ordinal: number }[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod.metadata.name);
    if (ordinal === undefined) continue;
    if (ordinal >= start && ordinal < start + wanted.length) wanted[ordinal - start] = pod;
    else condemned.push({ pod, ordinal });
  }
  condemned.sort((a, b) => b.ordinal - a.ordinal);
  return { wanted, condemned: condemned.map((each) => each.pod) };
}

/**
 * The next steps: in order one after the other, each waiting for the one before to be available; or all at once with
 * `podManagementPolicy: Parallel`. First what is missing, then what is too much, then what is out of date.
 */
export function nextSteps(set: StatefulSet, pods: readonly Pod[], revisions: Revisions, now: number): readonly Step[] {
  const oneByOne = set.spec.podManagementPolicy !== 'Parallel';
  const minReady = set.spec.minReadySeconds ?? 0;
  const { wanted, condemned } = arrange(set, pods);
  const steps: Step[] = [];
  let wait = false;
  for (const [index, pod] of wanted.entries()) {
    const ordinal = startOf(set) + index;
    if (pod === undefined) steps.push({ type: 'create', ordinal, revision: revisionFor(set, ordinal, revisions) });
    else if (hasEnded(pod)) {
      wait = true;
      if (!isTerminating(pod)) steps.push({ type: 'delete', pod });
    } else {
      const labels = identityLabels(pod, ordinal);
      if (labels !== undefined) steps.push({ type: 'label', pod, labels });
    }
    const settled = pod !== undefined && !hasEnded(pod) && !isTerminating(pod) && available(pod, minReady, now);
    if (oneByOne && !settled) return steps;
  }
  if (wait) return steps;
  const firstUnhealthy = [...wanted, ...condemned].find(
    (pod) => pod && (!isRunningAndReady(pod) || isTerminating(pod)),
  );
  let shrinks = false;
  for (const pod of condemned) {
    if (isTerminating(pod)) {
      if (oneByOne) return steps;
      continue;
    }
    if (oneByOne && !available(pod, minReady, now) && pod !== firstUnhealthy) return steps;
    steps.push({ type: 'delete', pod });
    shrinks = true;
    if (oneByOne) return steps;
  }
  return shrinks ? steps : [...steps, ...replacements(set, wanted, revisions, now)];
}

const available = (pod: Pod, minReady: number, now: number) =>
  isRunningAndReady(pod) && isPodAvailable(pod, minReady, now);

/** Below the partition a pod comes back as it was. */
function revisionFor(set: StatefulSet, ordinal: number, { current, update }: Revisions): string {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return update;
  return ordinal < startOf(set) + (rollingUpdate?.partition ?? 0) ? current : update;
}

/** Pods of another revision, from the highest ordinal down to the partition, so many at once as may be unavailable. */
function replacements(
  set: StatefulSet,
  wanted: readonly (Pod | undefined)[],
  { update }: Revisions,
  now: number,
): readonly Step[] {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return [];
  const minReady = set.spec.minReadySeconds ?? 0;
  const isAvailable = (pod: Pod | undefined) =>
    pod !== undefined && !isTerminating(pod) && available(pod, minReady, now);
  const most = Math.max(1, intOrPercent(rollingUpdate?.maxUnavailable ?? 1, wanted.length, true));
  let unavailable = wanted.filter((pod) => !isAvailable(pod)).length;
  const steps: Step[] = [];
  for (let index = wanted.length - 1; index >= (rollingUpdate?.partition ?? 0); index--) {
    const pod = wanted[index];
    if (pod === undefined || isTerminating(pod) || revisionOf(pod) === update) continue;
    if (isAvailable(pod)) {
      if (unavailable >= most) break;
      unavailable += 1;
    }
    steps.push({ type: 'delete', pod });
  }
  return steps;
}

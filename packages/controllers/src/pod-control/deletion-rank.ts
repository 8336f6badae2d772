import type { Pod } from '@keelson/core';
import { isPodReady, podPhase, podReadySince } from './pod-state.ts';

/** kubernetes.io/docs/reference/labels-annotations-taints/#pod-deletion-cost: an int32; the cheaper pod goes first. */
const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/** A pod that may have to go, with the number of related active pods on its node. */
export interface RankedPod {
  readonly pod: Pod;
  readonly neighbours: number;
}

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * Compares two pods by which one a scale-down should take first (negative: `a`): the unassigned, the pending, the not
 * ready, the cheaper by annotation, the one with more neighbours on its node, the one ready for less time, the one with
 * more restarts, the younger. Ages compare by their power of two (KEP-2185), and equal ones by uid, so that what dies is
 * spread over generations of pods.
 */
export function compareForDeletion(a: RankedPod, b: RankedPod, now: number): number {
  return (
    Number(isAssigned(a.pod)) - Number(isAssigned(b.pod)) ||
    (phaseOrder[podPhase(a.pod)] ?? 0) - (phaseOrder[podPhase(b.pod)] ?? 0) ||
    Number(isPodReady(a.pod)) - Number(isPodReady(b.pod)) ||
    deletionCost(a.pod) - deletionCost(b.pod) ||
    b.neighbours - a.neighbours ||
    compareAge(a.pod, b.pod, podReadySince, now) ||
    maxRestarts(b.pod) - maxRestarts(a.pod) ||
    compareAge(a.pod, b.pod, createdAt, now) ||
    0
  );
}

/** The pods in the order in which they should go; `related` are the active pods of every owner with the same controller. */
export function rankForDeletion(pods: readonly Pod[], related: readonly Pod[], now: number): readonly Pod[] {
  const perNode = new Map<string, number>();
  for (const { spec } of related) {
    if (spec.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  }
  return pods
    .map((pod) => ({ pod, neighbours: perNode.get(pod.spec.nodeName ?? '') ?? 0 }))
    .sort((a, b) => compareForDeletion(a, b, now))
    .map(({ pod }) => pod);
}

function isAssigned(pod: Pod): boolean {
  return (pod.spec.nodeName ?? '') !== '';
}

function createdAt(pod: Pod): number | undefined {
  const created = pod.metadata.creationTimestamp;
  return created === undefined ? undefined : Date.parse(created);
}

/** A malformed cost counts as none, as the API server refuses it anyway. */
function deletionCost(pod: Pod): number {
  const cost = pod.metadata.annotations?.[deletionCostAnnotation] ?? '';
  return /^-?\d+$/.test(cost) ? Number(cost) : 0;
}

function maxRestarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}

function compareAge(a: Pod, b: Pod, since: (pod: Pod) => number | undefined, now: number): number {
  const [first, second] = [since(a), since(b)];
  if (first === second) return 0;
  if (first === undefined) return -1;
  if (second === undefined) return 1;
  return magnitude(now - first) - magnitude(now - second) || ((a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1);
}

/** Power of two of an age in nanoseconds, as Kubernetes counts; -1 for what is from the future. */
function magnitude(ageMs: number): number {
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1;
}

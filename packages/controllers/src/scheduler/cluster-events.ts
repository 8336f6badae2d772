import { deepEqual, type Node, type Pod } from '@keelson/core';
import type { ClusterEvent, ClusterEventKind } from '@keelson/core/scheduling';

/** What changed on a node, as far as scheduling cares; heartbeats do not. */
export function nodeChanges(previous: Node, node: Node): readonly ClusterEvent[] {
  const kinds: ClusterEventKind[] = [];
  if (!deepEqual(previous.status?.allocatable, node.status?.allocatable)) kinds.push('NodeAllocatableChanged');
  if (!deepEqual(previous.metadata.labels, node.metadata.labels)) kinds.push('NodeLabelsChanged');
  if (
    !deepEqual(previous.spec?.taints, node.spec?.taints) ||
    Boolean(previous.spec?.unschedulable) !== Boolean(node.spec?.unschedulable)
  ) {
    kinds.push('NodeTaintsChanged');
  }
  if (
    !deepEqual(previous.metadata.annotations, node.metadata.annotations) ||
    conditions(previous) !== conditions(node)
  ) {
    kinds.push('NodeChanged');
  }
  return kinds.map((kind) => ({ kind, object: node, node }));
}

function conditions(node: Node): string {
  return (node.status?.conditions ?? []).map((each) => `${each.type}=${each.status}`).join();
}

/** Whether the pod needs something else than before, or is counted otherwise by other pods' terms: a pod that goes may not count. */
export function podNeedsChanged(previous: Pod, pod: Pod): boolean {
  const { metadata: before } = previous;
  const { metadata: after } = pod;
  return (
    (before.deletionTimestamp === undefined) !== (after.deletionTimestamp === undefined) ||
    !deepEqual(before.labels, after.labels) ||
    !deepEqual(needs(previous), needs(pod))
  );
}

/** The fields of a pod on a node that can change in place. */
function needs(pod: Pod) {
  return [
    pod.spec?.containers.map((each) => each.resources?.requests),
    pod.spec?.initContainers?.map((each) => each.resources?.requests),
    pod.spec?.resources?.requests,
    pod.spec?.tolerations,
  ];
}

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

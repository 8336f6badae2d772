import type { Node, NodeCondition } from '@keelson/core';

const watched = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** The conditions of a node whose kubelet is silent; undefined if they say so already. */
export function unknownConditions(node: Node, now: string): readonly NodeCondition[] | undefined {
  const current = node.status?.conditions ?? [];
  const present = new Set(current.map((each) => each.type));
  const stale = current.some((each) => watched.includes(each.type) && each.status !== 'Unknown');
  const missing = watched.filter((type) => !present.has(type));
  if (!stale && missing.length === 0) return undefined;
  return [
    ...current.map((each) =>
      watched.includes(each.type) && each.status !== 'Unknown'
        ? {
            ...each,
            status: 'Unknown',
            reason: 'NodeStatusUnknown',
            message: 'Kubelet stopped posting node status.',
            lastTransitionTime: now,
          }
        : each,
    ),
    ...missing.map((type) => ({
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
      lastHeartbeatTime: node.metadata.creationTimestamp,
      lastTransitionTime: now,
    })),
  ];
}

export function readyStatus(node: Node): string | undefined {
  return node.status?.conditions?.find((each) => each.type === 'Ready')?.status;
}

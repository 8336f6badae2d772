import type { Node, Taint } from '@keelson/core';
import { wellKnown } from '@keelson/core';

const { notReadyTaint, unreachableTaint, unschedulableTaint } = wellKnown;

/** Taints that follow from a condition's status; `type` → status → taint key. */
const byCondition: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReadyTaint, Unknown: unreachableTaint },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
};
const managedNoSchedule = new Set([
  unschedulableTaint,
  ...Object.values(byCondition).flatMap((each) => Object.values(each)),
]);
const managedNoExecute = new Set<string>([notReadyTaint, unreachableTaint]);

const isManaged = (taint: Taint) =>
  (taint.effect === 'NoSchedule' && managedNoSchedule.has(taint.key)) ||
  (taint.effect === 'NoExecute' && managedNoExecute.has(taint.key));

/**
 * The taints that the node should have: those of others as they are, and ours by conditions and `spec.unschedulable`.
 * @param evict whether pods are to leave a node that is not ready; not while no node at all is ready, as the fault is
 *   then more likely ours than theirs
 * @param now RFC 3339, for taints that are new
 */
export function desiredTaints(
  node: Node,
  options: { readonly evict: boolean; readonly now: string },
): readonly Taint[] {
  const current = node.spec?.taints ?? [];
  const wanted: { key: string; effect: string }[] = [];
  for (const { type, status } of node.status?.conditions ?? []) {
    const key = byCondition[type]?.[status];
    if (key === undefined) continue;
    wanted.push({ key, effect: 'NoSchedule' });
    if (type === 'Ready' && options.evict) wanted.push({ key, effect: 'NoExecute' });
  }
  if (node.spec?.unschedulable) wanted.push({ key: unschedulableTaint, effect: 'NoSchedule' });
  const known = (each: { key: string; effect: string }) =>
    current.find((taint) => taint.key === each.key && taint.effect === each.effect);
  return [
    ...current.filter(
      (taint) => !isManaged(taint) || wanted.some((each) => each.key === taint.key && each.effect === taint.effect),
    ),
    ...wanted.filter((each) => !known(each)).map((each) => ({ ...each, timeAdded: options.now })),
  ];
}

export function sameTaints(a: readonly Taint[], b: readonly Taint[]): boolean {
  const text = (taints: readonly Taint[]) =>
    taints
      .map((each) => `${each.key}=${each.value ?? ''}:${each.effect}`)
      .sort()
      .join();
  return text(a) === text(b);
}

import type { Pod } from '@keelson/core';

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** The pods to delete so that `keep` are left: evicted ones first, then by age. */
export function oldestBeyond(finished: readonly Pod[], keep: number): readonly Pod[] {
  if (finished.length <= keep) return [];
  const rank = (pod: Pod) => (pod.status?.reason === 'Evicted' ? 0 : 1);
  const created = (pod: Pod) => pod.metadata.creationTimestamp ?? '';
  return [...finished]
    .sort(
      (a, b) =>
        rank(a) - rank(b) || created(a).localeCompare(created(b)) || a.metadata.name.localeCompare(b.metadata.name),
    )
    .slice(0, finished.length - keep);
}

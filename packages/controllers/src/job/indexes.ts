import type { Pod } from '@keelson/core';

/** Where an Indexed Job keeps a pod's index, as annotation and as label. */
export const completionIndexKey = 'batch.kubernetes.io/job-completion-index';

/** The completion index of a pod; undefined if it wears none or nonsense. */
export function completionIndex(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[completionIndexKey] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Reads `status.completedIndexes`, such as `0,2-4`; what is not below `completions` or malformed is dropped. */
export function parseIndexes(text: string | undefined, completions: number): ReadonlySet<number> {
  const indexes = new Set<number>();
  for (const interval of (text ?? '').split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(interval);
    if (match === null) continue;
    const last = Math.min(Number(match[2] ?? match[1]), completions - 1);
    for (let index = Number(match[1]); index <= last; index++) indexes.add(index);
  }
  return indexes;
}

/** Writes indexes as Kubernetes does: runs of three or more as `first-last`. */
export function formatIndexes(indexes: ReadonlySet<number>): string {
  const intervals: string[] = [];
  const sorted = [...indexes].sort((a, b) => a - b);
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === sorted[end]! + 1) end += 1;
    const [first, last] = [sorted[at], sorted[end]];
    intervals.push(first === last ? `${first}` : end === at + 1 ? `${first},${last}` : `${first}-${last}`);
    at = end + 1;
  }
  return intervals.join(',');
}

/** The `count` lowest indexes below `completions` that are not taken. */
export function pendingIndexes(taken: ReadonlySet<number>, completions: number, count: number): readonly number[] {
  const pending: number[] = [];
  for (let index = 0; index < completions && pending.length < count; index++) {
    if (!taken.has(index)) pending.push(index);
  }
  return pending;
}

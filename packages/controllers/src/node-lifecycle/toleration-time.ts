import type { Pod, Taint, Toleration } from '@keelson/core';

function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  return Boolean(toleration.key) && (toleration.value ?? '') === (taint.value ?? '');
}

/**
 * When the pod has to leave a node with these NoExecute taints, in milliseconds since the epoch: now if one is not
 * tolerated, at the end of the shortest `tolerationSeconds`, or never (undefined).
 */
export function leavesAt(pod: Pod, taints: readonly Taint[], now: number): number | undefined {
  let earliest: number | undefined;
  for (const taint of taints) {
    const matching = (pod.spec?.tolerations ?? []).filter((each) => tolerates(each, taint));
    if (matching.length === 0) return now;
    const since = Date.parse(taint.timeAdded ?? '') || now;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds === undefined || tolerationSeconds === null) continue;
      const at = since + Math.max(0, tolerationSeconds) * 1000;
      earliest = earliest === undefined ? at : Math.min(earliest, at);
    }
  }
  return earliest;
}

import type { Pod, PodDisruptionBudget } from '@keelson/core';
import type { PodInfo } from '@keelson/core/scheduling';
import { compileLabelSelector } from '../../cache/label-matcher.ts';

export interface Candidate {
  readonly nodeName: string;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
  /** How many of them their disruption budgets would have protected. */
  readonly violations: number;
}

function startedAt(pod: Pod): number {
  return Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '') || 0;
}

/** Higher priority first, then what has run longer. */
export function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startedAt(a.pod) - startedAt(b.pod);
}

/** Splits pods (most important first) by whether evicting them would break a budget that is used up by those before. */
export function splitByBudgets(
  pods: readonly PodInfo[],
  budgets: readonly PodDisruptionBudget[],
): { readonly violating: readonly PodInfo[]; readonly others: readonly PodInfo[] } {
  const open = budgets.map((budget) => ({
    namespace: budget.metadata.namespace,
    selects: compileLabelSelector(budget.spec?.selector),
    already: budget.status?.disruptedPods ?? {},
    left: budget.status?.disruptionsAllowed ?? 0,
  }));
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const info of pods) {
    const { namespace, labels, name } = info.pod.metadata;
    let violates = false;
    for (const budget of open) {
      if (budget.namespace !== namespace || !labels || !budget.selects(labels) || budget.already[name]) continue;
      budget.left -= 1;
      if (budget.left < 0) violates = true;
    }
    (violates ? violating : others).push(info);
  }
  return { violating, others };
}

/**
 * The candidate that hurts least: fewest broken budgets, then lowest highest priority, lowest sum of priorities, fewest
 * victims, and the latest start among the most important ones.
 */
export function leastHarmful(candidates: readonly Candidate[]): Candidate | undefined {
  const keys = (candidate: Candidate) => {
    const top = candidate.victims[0]?.priority ?? Number.NEGATIVE_INFINITY;
    const firstStart = Math.min(
      ...candidate.victims.filter((each) => each.priority === top).map((each) => startedAt(each.pod)),
    );
    return [
      candidate.violations,
      top,
      candidate.victims.reduce((sum, each) => sum + each.priority + 2 ** 31, 0),
      candidate.victims.length,
      -firstStart,
    ];
  };
  let best: { readonly candidate: Candidate; readonly keys: readonly number[] } | undefined;
  for (const candidate of candidates) {
    const own = keys(candidate);
    const other = best?.keys;
    const differs = other ? own.findIndex((value, each) => value !== other[each]) : 0;
    if (!other || (differs >= 0 && own[differs]! < other[differs]!)) best = { candidate, keys: own };
  }
  return best?.candidate;
}

import { formatQuantity, type KubernetesObject, type ResourceQuota, type ResourceQuotaStatus } from '@keelson/core';
import { type QuotaEvaluator, usageOf } from '@keelson/core/admission';

/** The objects of one kind in a quota's namespace, with what they count for. */
export interface Counted {
  readonly evaluator: QuotaEvaluator;
  readonly objects: readonly KubernetesObject[];
}

/** What a quota's status should say. Names that no kind counts for have a limit and no usage. */
export function quotaStatus(quota: ResourceQuota, counted: readonly Counted[], now: number): ResourceQuotaStatus {
  const hard = quota.spec?.hard ?? {};
  const used: Record<string, string> = {};
  for (const { evaluator, objects } of counted) {
    for (const [name, amount] of Object.entries(usageOf(quota, evaluator, objects, now)))
      used[name] = formatQuantity(amount);
  }
  return { hard, used };
}

import type { KubernetesObject, ResourceQuota } from '../../api/index.ts';
import {
  addQuantity,
  compareQuantity,
  formatQuantity,
  parseQuantity,
  subtractQuantity,
} from '../../machinery/index.ts';
import type { Amounts } from '../pod-resources.ts';
import { type QuotaEvaluator, scopesOf } from './contract.ts';

/** Whether a quota concerns an object: it limits something that the kind counts for, and every scope fits. */
export function quotaMatches(quota: ResourceQuota, evaluator: QuotaEvaluator, object: KubernetesObject): boolean {
  const limited = Object.keys(quota.status?.hard ?? {}).some((name) => evaluator.counts(name));
  return limited && inAllScopes(quota, evaluator, object);
}

export function inAllScopes(quota: ResourceQuota, evaluator: QuotaEvaluator, object: KubernetesObject): boolean {
  return scopesOf(quota).every((scope) => evaluator.inScope?.(object, scope) ?? false);
}

export type Charge =
  /**
   * The quotas of which more would be used, with their new `status.used`. `freed`: those of which less would be, in
   * which resources: that room is nobody's before the object is written.
   */
  | {
      readonly type: 'charged';
      readonly quotas: readonly ResourceQuota[];
      readonly freed: readonly { readonly quota: ResourceQuota; readonly names: readonly string[] }[];
    }
  | { readonly type: 'refused'; readonly reason: string };

/** One object that is about to be written, `before` what it replaces. */
export interface Charged {
  readonly evaluator: QuotaEvaluator;
  readonly object: KubernetesObject;
  readonly before?: KubernetesObject;
}

const nothing: Charge = { type: 'charged', quotas: [], freed: [] };

/** Charges an object to the quotas of its namespace, or says in Kubernetes' words which of them has no room. */
export function charge(quotas: readonly ResourceQuota[], charged: Charged, now: number): Charge {
  const { evaluator, object, before } = charged;
  const concerned = quotas.filter((quota) => quotaMatches(quota, evaluator, object));
  for (const quota of concerned) {
    const limited = Object.keys(quota.status?.hard ?? {}).filter((name) => evaluator.counts(name));
    const missing = evaluator.missing?.(object, limited);
    if (missing !== undefined) return refused(`failed quota: ${quota.metadata.name}: ${missing}`);
    const unknown = limited.filter((name) => quota.status?.used?.[name] === undefined).sort();
    if (unknown.length > 0) {
      return refused(`status unknown for quota: ${quota.metadata.name}, resources: ${unknown.join(',')}`);
    }
  }
  const usage = evaluator.usage(object, now);
  const negative = Object.keys(usage)
    .filter((name) => (usage[name]?.nanos ?? 0n) < 0n)
    .sort();
  if (negative.length > 0) return refused(`quota usage is negative for resource(s): ${negative.join(',')}`);
  const delta = withoutZeros(before === undefined ? usage : difference(usage, evaluator.usage(before, now)));
  if (Object.keys(delta).length === 0) return nothing;
  const changed: ResourceQuota[] = [];
  const freed: { readonly quota: ResourceQuota; readonly names: readonly string[] }[] = [];
  for (const quota of concerned) {
    const { hard = {}, used = {} } = quota.status ?? {};
    const limited = Object.keys(delta).filter((name) => hard[name] !== undefined);
    // Whoever takes less than before may do so, even where the quota has been lowered below that.
    const less = limited.filter((name) => (delta[name]?.nanos ?? 0n) < 0n);
    if (less.length > 0) freed.push({ quota, names: less });
    const names = limited.filter((name) => !less.includes(name));
    if (names.length === 0) continue;
    const next = Object.fromEntries(
      names.map((name) => [name, addQuantity(used[name] ?? '0', delta[name] ?? '0')] as const),
    );
    const exceeded = names.filter((name) => compareQuantity(next[name] ?? '0', hard[name] ?? '0') > 0);
    if (exceeded.length > 0) {
      const show = (amounts: Readonly<Record<string, string>> | Amounts) =>
        exceeded
          .sort()
          .map((name) => `${name}=${formatQuantity(amounts[name] ?? '0')}`)
          .join(',');
      return refused(
        `exceeded quota: ${quota.metadata.name}, requested: ${show(delta)}, used: ${show(used)}, limited: ${show(hard)}`,
      );
    }
    const written = Object.fromEntries(names.map((name) => [name, formatQuantity(next[name] ?? '0')]));
    changed.push({ ...quota, status: { ...quota.status, used: { ...used, ...written } } });
  }
  return { type: 'charged', quotas: changed, freed };
}

const refused = (reason: string): Charge => ({ type: 'refused', reason });

function difference(after: Amounts, before: Amounts): Amounts {
  const names = new Set([...Object.keys(after), ...Object.keys(before)]);
  const zero = parseQuantity('0');
  return Object.fromEntries(
    [...names].map((name) => [name, subtractQuantity(after[name] ?? zero, before[name] ?? zero)]),
  );
}

function withoutZeros(amounts: Amounts): Amounts {
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount.nanos !== 0n));
}

/** What objects of one kind take of a quota together. */
export function usageOf(
  quota: ResourceQuota,
  evaluator: QuotaEvaluator,
  objects: readonly KubernetesObject[],
  now: number,
): Amounts {
  const names = Object.keys(quota.spec?.hard ?? {}).filter((name) => evaluator.counts(name));
  const zero = parseQuantity('0');
  const total = Object.fromEntries(names.map((name) => [name, zero]));
  if (names.length === 0) return total;
  for (const object of objects) {
    if (!inAllScopes(quota, evaluator, object)) continue;
    const usage = evaluator.usage(object, now);
    for (const name of names) {
      const amount = usage[name];
      if (amount !== undefined) total[name] = addQuantity(total[name] ?? zero, amount);
    }
  }
  return total;
}

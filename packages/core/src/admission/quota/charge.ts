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

/** Whether a quota is about the object at all: all of its scopes must be. */
export function inAllScopes(quota: ResourceQuota, evaluator: QuotaEvaluator, object: KubernetesObject): boolean {
  return scopesOf(quota).every((scope) => evaluator.inScope?.(object, scope) ?? false);
}

/** What came of charging an object to the quotas of its namespace. */
export type Charge =
  /** The quotas of which more would be used, with their new `status.used`. */
  | { readonly type: 'charged'; readonly quotas: readonly ResourceQuota[] }
  | { readonly type: 'refused'; readonly reason: string };

/** One object that is about to be written, `before` what it replaces. */
export interface Charged {
  readonly evaluator: QuotaEvaluator;
  readonly object: KubernetesObject;
  readonly before?: KubernetesObject;
  /** The object's status says what has happened: that counts, whether there is room or not. */
  readonly reported?: boolean;
}

const nothing: Charge = { type: 'charged', quotas: [] };

/**
 * Charges an object to the quotas of its namespace, or says in Kubernetes' words which of them has no room. What takes
 * less than before changes nothing: that room is nobody's until what is stored is counted again.
 */
export function charge(quotas: readonly ResourceQuota[], charged: Charged, now: number): Charge {
  const { evaluator, object, before, reported = false } = charged;
  const concerned = quotas.filter((quota) => quotaMatches(quota, evaluator, object));
  for (const quota of concerned) {
    const limited = Object.keys(quota.status?.hard ?? {}).filter((name) => evaluator.counts(name));
    const missing = evaluator.missing?.(object, limited);
    if (missing !== undefined) return refused(`failed quota: ${quota.metadata.name}: ${missing}`);
    if (limited.some((name) => quota.status?.used?.[name] === undefined)) {
      return refused(`status unknown for quota: ${quota.metadata.name}, resources: ${limited.sort().join(',')}`);
    }
  }
  if (concerned.length === 0) return nothing;
  const usage = evaluator.usage(object, now);
  const negative = Object.keys(usage)
    .filter((name) => (usage[name]?.nanos ?? 0n) < 0n)
    .sort();
  if (negative.length > 0) return refused(`quota usage is negative for resource(s): ${negative.join(',')}`);
  const more = increases(usage, before && evaluator.usage(before, now));
  const changed: ResourceQuota[] = [];
  for (const quota of concerned) {
    const { hard = {}, used = {} } = quota.status ?? {};
    // A quota whose scopes the object comes into has it as a new one.
    const isNew = before !== undefined && !inAllScopes(quota, evaluator, before);
    const delta = isNew ? increases(usage, undefined) : more;
    const names = Object.keys(delta).filter((name) => hard[name] !== undefined);
    if (names.length === 0) continue;
    const next = Object.fromEntries(
      names.map((name) => [name, addQuantity(used[name] ?? '0', delta[name] ?? '0')] as const),
    );
    const exceeded = reported ? [] : names.filter((name) => compareQuantity(next[name] ?? '0', hard[name] ?? '0') > 0);
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
  return { type: 'charged', quotas: changed };
}

const refused = (reason: string): Charge => ({ type: 'refused', reason });

/** Of what more is taken than before, and how much more. */
function increases(after: Amounts, before: Amounts | undefined): Amounts {
  const zero = parseQuantity('0');
  const more: Record<string, Amounts[string]> = {};
  for (const [name, amount] of Object.entries(after)) {
    const delta = subtractQuantity(amount, before?.[name] ?? zero);
    if (delta.nanos > 0n) more[name] = delta;
  }
  return more;
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

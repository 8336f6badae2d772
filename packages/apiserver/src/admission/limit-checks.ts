import {
  compareQuantity,
  formatQuantity,
  type LimitRange,
  type LimitRangeItem,
  milliValue,
  type PersistentVolumeClaim,
  type Pod,
  type Quantity,
  quantityValue,
} from '@keelson/core';
import { type Amounts, parseAmounts, podAmountsAsWritten } from '@keelson/core/admission';

interface Subject {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

/** What a pod breaks of a LimitRange, in Kubernetes' words; names of resources in alphabetical order. */
export function podLimitErrors({ spec }: LimitRange, pod: Pod): readonly string[] {
  return (spec?.limits ?? []).flatMap((limit) => {
    if (limit.type === 'Pod') {
      const [requests, limits] = [podAmountsAsWritten(pod, 'requests'), podAmountsAsWritten(pod, 'limits')];
      return errorsOf(limit, { requests, limits });
    }
    if (limit.type !== 'Container') return [];
    return [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].flatMap(({ resources }) =>
      errorsOf(limit, { requests: parseAmounts(resources?.requests), limits: parseAmounts(resources?.limits) }),
    );
  });
}

/** A claim has no limits: both bounds are about what it asks for. */
export function claimLimitErrors({ spec }: LimitRange, claim: PersistentVolumeClaim): readonly string[] {
  const requests = parseAmounts(claim.spec.resources?.requests);
  return (spec?.limits ?? [])
    .filter((limit) => limit.type === 'PersistentVolumeClaim')
    .flatMap((limit) => [
      ...each(limit.min, (name, bound) => belowMinimum(limit.type, name, bound, { requests, limits: {} })),
      ...each(limit.max, (name, bound) => {
        const request = requests[name];
        const usage = `maximum ${name} usage per ${limit.type} is ${formatQuantity(bound)}`;
        if (request === undefined) return `${usage}.  No request is specified`;
        return compareQuantity(request, bound) > 0 ? `${usage}, but request is ${formatQuantity(request)}` : undefined;
      }),
    ]);
}

function errorsOf(limit: LimitRangeItem, subject: Subject): readonly string[] {
  return [
    ...each(limit.min, (name, bound) => belowMinimum(limit.type, name, bound, subject)),
    ...each(limit.max, (name, bound) => aboveMaximum(limit.type, name, bound, subject)),
    ...each(limit.maxLimitRequestRatio, (name, bound) => aboveRatio(limit.type, name, bound, subject)),
  ];
}

function each(
  bounds: Readonly<Record<string, string>> | undefined,
  check: (name: string, bound: Quantity) => string | undefined,
): readonly string[] {
  return Object.entries(parseAmounts(bounds))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, bound]) => check(name, bound))
    .filter((text) => text !== undefined);
}

function belowMinimum(type: string, name: string, bound: Quantity, { requests, limits }: Subject): string | undefined {
  const usage = `minimum ${name} usage per ${type} is ${formatQuantity(bound)}`;
  const request = requests[name];
  const limit = limits[name];
  if (request === undefined) return `${usage}.  No request is specified`;
  if (compareQuantity(request, bound) < 0) return `${usage}, but request is ${formatQuantity(request)}`;
  if (limit !== undefined && compareQuantity(limit, bound) < 0)
    return `${usage}, but limit is ${formatQuantity(limit)}`;
  return undefined;
}

function aboveMaximum(type: string, name: string, bound: Quantity, { requests, limits }: Subject): string | undefined {
  const usage = `maximum ${name} usage per ${type} is ${formatQuantity(bound)}`;
  const request = requests[name];
  const limit = limits[name];
  if (limit === undefined) return `${usage}.  No limit is specified`;
  if (compareQuantity(limit, bound) > 0) return `${usage}, but limit is ${formatQuantity(limit)}`;
  if (request !== undefined && compareQuantity(request, bound) > 0)
    return `${usage}, but request is ${formatQuantity(request)}`;
  return undefined;
}

function aboveRatio(type: string, name: string, bound: Quantity, { requests, limits }: Subject): string | undefined {
  const ratio = `${name} max limit to request ratio per ${type} is ${formatQuantity(bound)}`;
  const request = requests[name];
  const limit = limits[name];
  if (request === undefined || request.nanos === 0n) return `${ratio}, but no request is specified or request is 0`;
  if (limit === undefined || limit.nanos === 0n) return `${ratio}, but no limit is specified or limit is 0`;
  const small = quantityValue(limit) <= 1_000_000_000 && quantityValue(request) <= 1_000_000_000;
  const observed = small ? milliValue(limit) / milliValue(request) : quantityValue(limit) / quantityValue(request);
  const allowed = quantityValue(bound) <= 1_000_000 ? milliValue(bound) / 1000 : quantityValue(bound);
  return observed > allowed ? `${ratio}, but provided ratio is ${observed.toFixed(6)}` : undefined;
}

import {
  compareQuantity,
  formatQuantity,
  LimitRange,
  type LimitRangeItem,
  milliValue,
  validateQualifiedName,
} from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { isOvercommitable, validateContainerResourceName, validateResourceName } from './pods/resource-validation.ts';

type Amounts = Readonly<Record<string, string>>;
const types = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);

function defaultItem(limit: Draft<LimitRangeItem>): void {
  if (limit.type !== 'Container') return;
  const defaults = firstSaid(limit.default, limit.max);
  if (Object.keys(defaults).length > 0) limit.default = defaults;
  const requests = firstSaid(limit.defaultRequest, limit.default, limit.min);
  if (Object.keys(requests).length > 0) limit.defaultRequest = requests;
}

/** Of each amount what the first of them says, in the order in which they say it. */
function firstSaid(...all: readonly (Amounts | undefined)[]): Record<string, string> {
  const result = new Map<string, string>();
  for (const [name, amount] of all.flatMap((each) => Object.entries(each ?? {}))) {
    if (!result.has(name)) result.set(name, amount);
  }
  return Object.fromEntries(result);
}

function checkType(type: string, at: string, errors: FieldErrors): void {
  errors.rule(at, type, validateQualifiedName(type));
  if (validateQualifiedName(type).length > 0) return;
  if (!type.includes('/') && !types.has(type))
    errors.invalid(at, type, 'must be a standard limit type or fully qualified');
}

function checkNames(limit: LimitRangeItem, part: keyof LimitRangeItem, at: string, errors: FieldErrors): void {
  const amounts: unknown = limit[part];
  if (typeof amounts !== 'object' || amounts === null) return;
  for (const name of Object.keys(amounts)) {
    const here = `${at}.${part}[${name}]`;
    if (limit.type === 'Pod' || limit.type === 'Container') validateContainerResourceName(name, here, errors);
    else validateResourceName(name, here, errors);
  }
}

function checkClaim({ type, min = {}, max = {} }: LimitRangeItem, at: string, errors: FieldErrors): void {
  if (type !== 'PersistentVolumeClaim' || 'storage' in min || 'storage' in max) return;
  errors.required(`${at}.limits`, 'either minimum or maximum storage value is required, but neither was provided');
}

function validateItem(limit: LimitRangeItem, at: string, errors: FieldErrors): void {
  checkNames(limit, 'max', at, errors);
  checkNames(limit, 'min', at, errors);
  if (limit.type === 'Pod') {
    const why = "may not be specified when `type` is 'Pod'";
    if (Object.keys(limit.default ?? {}).length > 0) errors.forbidden(`${at}.default`, why);
    if (Object.keys(limit.defaultRequest ?? {}).length > 0) errors.forbidden(`${at}.defaultRequest`, why);
  } else {
    checkNames(limit, 'default', at, errors);
    checkNames(limit, 'defaultRequest', at, errors);
  }
  checkNames(limit, 'maxLimitRequestRatio', at, errors);
  checkClaim(limit, at, errors);
  const pod = limit.type === 'Pod';
  const parts = [limit.max, limit.min, pod ? undefined : limit.default, pod ? undefined : limit.defaultRequest];
  const names = new Set([...parts, limit.maxLimitRequestRatio].flatMap((each) => Object.keys(each ?? {})));
  for (const name of names) compareAmounts(name, limit, at, errors);
}

function compareAmounts(name: string, limit: LimitRangeItem, at: string, errors: FieldErrors): void {
  const pod = limit.type === 'Pod';
  const of = (amounts: Amounts | undefined) => {
    const value = amounts?.[name];
    return value === undefined ? undefined : formatQuantity(value);
  };
  const [max, min] = [of(limit.max), of(limit.min)];
  const preset = pod ? undefined : of(limit.default);
  const request = pod ? undefined : of(limit.defaultRequest);
  const ratio = of(limit.maxLimitRequestRatio);
  /** `low` is larger than `high`, where both are given. */
  const exceeds = (low: string | undefined, high: string | undefined) =>
    low !== undefined && high !== undefined && compareQuantity(low, high) > 0;
  const bad = (part: string, value: string | undefined, why: string) =>
    errors.invalid(`${at}.${part}[${name}]`, value ?? '', why);
  if (exceeds(min, max)) bad('min', min, `min value ${min} is greater than max value ${max}`);
  if (exceeds(min, request))
    bad('defaultRequest', request, `min value ${min} is greater than default request value ${request}`);
  if (exceeds(request, max))
    bad('defaultRequest', request, `default request value ${request} is greater than max value ${max}`);
  if (exceeds(request, preset)) {
    bad('defaultRequest', request, `default request value ${request} is greater than default limit value ${preset}`);
  }
  if (exceeds(min, preset)) bad('default', min, `min value ${min} is greater than default value ${preset}`);
  if (exceeds(preset, max)) bad('default', max, `default value ${preset} is greater than max value ${max}`);
  if (ratio !== undefined) {
    if (compareQuantity(ratio, '1') < 0) bad('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`);
    const most = min === undefined || max === undefined ? Number.NaN : milliValue(max) / milliValue(min);
    if (milliValue(ratio) / 1000 > most) {
      bad('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`);
    }
  }
  const differ = preset !== undefined && request !== undefined && compareQuantity(preset, request) !== 0;
  if (differ && !isOvercommitable(name)) {
    bad('defaultRequest', request, `default value ${preset} must equal to defaultRequest value ${request} in ${name}`);
  }
}

export const limitRangeStrategy = strategyFor(LimitRange, {
  createOnUpdate: true,
  namesItself: true,
  defaults({ spec }) {
    for (const limit of spec?.limits ?? []) defaultItem(limit);
  },
  prepareCreate({ metadata }, { uid }) {
    metadata.name ||= uid();
  },
  validate({ spec }, errors) {
    const seen = new Set<string>();
    spec?.limits?.forEach((limit, index) => {
      const at = `spec.limits[${index}]`;
      const { type = '' } = limit;
      checkType(type, `${at}.type`, errors);
      if (seen.has(type)) errors.duplicate(`${at}.type`, type);
      seen.add(type);
      validateItem(limit, at, errors);
    });
  },
});

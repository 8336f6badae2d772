import { compareQuantity, deepEqual, formatQuantity, ResourceQuota, type ResourceQuotaSpec } from '@keelson/core';
import type { Quotas } from '../../admission/index.ts';
import { hollowMember } from '../../schema/index.ts';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { inGo } from './go-internal.ts';
import { validateResourceName, validateResourceQuantity } from './pods/resource-validation.ts';

type Amounts = Readonly<Record<string, string>>;

const computed = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];
const ofPods = new Set(['pods', ...computed]);
const ofClaims = new Set(['persistentvolumeclaims', 'requests.storage']);
const standard = new Set([
  'ephemeral-storage',
  'requests.ephemeral-storage',
  'limits.ephemeral-storage',
  ...ofPods,
  ...ofClaims,
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]);
const isStandard = (name: string) => standard.has(name) || /^(?:requests\.)?hugepages-/.test(name);

/** Which resources can be counted in a scope (kubernetes.io/docs/concepts/policy/resource-quotas). */
const scopes: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries<ReadonlySet<string>>({
    Terminating: ofPods,
    NotTerminating: ofPods,
    NotBestEffort: ofPods,
    PriorityClass: ofPods,
    CrossNamespacePodAffinity: ofPods,
    BestEffort: new Set(['pods']),
    VolumeAttributesClass: ofClaims,
  }),
);
const existsOnly = new Set([
  'BestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  'CrossNamespacePodAffinity',
]);
const opposites = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

const fits = (scope: string, name: string) => !isStandard(name) || (scopes.get(scope)?.has(name) ?? true);

function validateAmounts(amounts: Amounts | undefined, at: string, errors: FieldErrors): void {
  for (const [name, value] of Object.entries(amounts ?? {})) {
    const here = `${at}[${name}]`;
    validateResourceName(name, here, errors);
    if (!name.includes('/') && !isStandard(name)) errors.invalid(here, name, 'must be a standard resource for quota');
    validateResourceQuantity(name, value, here, errors);
  }
}

function validateScopes({ scopes: asked, hard = {} }: ResourceQuotaSpec, errors: FieldErrors): void {
  if (!asked?.length) return;
  const bad = (why: string) => errors.invalid('spec.scopes', asked, why);
  for (const scope of asked) {
    if (!scopes.has(scope)) bad('unsupported scope');
    for (const name of Object.keys(hard)) if (!fits(scope, name)) bad('unsupported scope applied to resource');
  }
  for (const pair of opposites) if (pair.every((each) => asked.includes(each))) bad('conflicting scopes');
}

function validateSelector(spec: ResourceQuotaSpec, errors: FieldErrors): void {
  const { scopeSelector: selector, hard = {}, scopes: asked } = spec;
  if (!selector) return;
  const at = 'spec.scopeSelector.matchExpressions';
  const seen = new Set<string>();
  for (const { scopeName = '', operator = '', values = [] } of selector.matchExpressions ?? []) {
    seen.add(scopeName);
    if (!scopes.has(scopeName)) errors.invalid(`${at}.scopeName`, scopeName, 'unsupported scope');
    for (const name of Object.keys(hard)) {
      if (!fits(scopeName, name))
        errors.invalid(at, inGo('ScopeSelector', selector), 'unsupported scope applied to resource');
    }
    if (existsOnly.has(scopeName) && operator !== 'Exists') {
      const why =
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
      errors.invalid(`${at}.operator`, operator, why);
    }
    checkValues(operator, values, at, errors);
  }
  for (const pair of opposites) {
    // Kubernetes shows the scopes that stand beside the selector.
    const shown = asked ?? hollowMember(spec, 'scopes');
    if (pair.every((each) => seen.has(each))) errors.invalid(at, shown, 'conflicting scopes');
  }
}

function checkValues(operator: string, values: readonly string[], at: string, errors: FieldErrors): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length > 0) return;
    const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    errors.required(`${at}.values`, why);
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length === 0) return;
    const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    errors.invalid(`${at}.values`, values, why);
  } else errors.invalid(`${at}.operator`, operator, 'not a valid selector operator');
}

/** Requests that limits bound, and those that are looked at where they are named more closely. */
const bounded: readonly (readonly [limit: string, requests: readonly string[]])[] = [
  ['limits.cpu', ['requests.cpu', 'cpu']],
  ['limits.memory', ['requests.memory', 'memory']],
  ['limits.ephemeral-storage', ['requests.ephemeral-storage']],
];

/** More requests than limits can never be used. */
function boundWarnings(hard: ResourceQuotaSpec['hard'] = {}): readonly string[] {
  return bounded.flatMap(([name, requests]) => {
    const limit = hard[name];
    const request = requests.find((each) => hard[each] !== undefined) ?? '';
    const asked = hard[request];
    if (limit === undefined || asked === undefined || compareQuantity(asked, limit) <= 0) return [];
    return [
      `ResourceQuota ${request} (${formatQuantity(asked)}) should be less than ${name} (${formatQuantity(limit)})`,
    ];
  });
}

/** @param quotas what is really used of them */
export const resourceQuotaStrategy = (quotas: Quotas) =>
  strategyFor(ResourceQuota, {
    aloneForStatus: (namespace = '', write) => quotas.ledgerOf(namespace).alone(write),
    async settleStatus(object, old, context) {
      const used = await quotas.settled(object, old, context);
      if (used) object.status = { ...object.status, used };
    },
    validate({ spec = {} }, errors) {
      validateAmounts(spec.hard, 'spec.hard', errors);
      validateScopes(spec, errors);
      validateSelector(spec, errors);
    },
    validateUpdate({ spec }, { spec: old }, errors) {
      const sorted = (list: readonly string[] | undefined) => [...new Set(list ?? [])].sort();
      if (!deepEqual(sorted(spec?.scopes), sorted(old?.scopes))) {
        errors.invalid('spec.scopes', spec?.scopes ?? hollowMember(spec ?? {}, 'scopes'), 'field is immutable');
      }
    },
    warnings: ({ spec }, old) => (old ? [] : boundWarnings(spec?.hard)),
    validateStatusUpdate({ status }, _old, errors) {
      validateAmounts(status?.hard, 'status.hard', errors);
      validateAmounts(status?.used, 'status.used', errors);
    },
  });

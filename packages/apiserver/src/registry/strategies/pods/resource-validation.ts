import {
  addQuantity,
  compareQuantity,
  formatQuantity,
  type PodSpec,
  parseQuantity,
  type Quantity,
  type ResourceRequirements,
  validateDnsLabel,
  validateDnsSubdomain,
  validateQualifiedName,
  zeroQuantity,
} from '@keelson/core';
import { hollowMember } from '../../../schema/index.ts';
import type { FieldErrors } from '../../strategy.ts';
import { inGo } from '../go-internal.ts';

type Amounts = Readonly<Record<string, string>>;

const standardForContainers = new Set(['cpu', 'memory', 'ephemeral-storage']);
const standardElsewhere = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'storage',
  'requests.storage',
  'services.nodeports',
  'services.loadbalancers',
]);
const countedWhole = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

const NANO = 1_000_000_000n;
const isHuge = (name: string) => name.startsWith('hugepages-');
const isHugeQuota = (name: string) => isHuge(name) || name.startsWith('requests.hugepages-');
const isNative = (name: string) => !name.includes('/') || name.includes('kubernetes.io/');
/** Of a device plugin or an operator: `example.com/gpu`. */
export function isExtendedResource(name: string): boolean {
  if (isNative(name) || name.startsWith('requests.')) return false;
  return validateQualifiedName(`requests.${name}`).length === 0;
}
const isInteger = (name: string) => countedWhole.has(name) || isExtendedResource(name);
/** Whether a container may ask for less than its limit. */
export const isOvercommitable = (name: string) => isNative(name) && !isHuge(name);

type NameRule = (name: string, at: string, errors: FieldErrors) => void;

/** A resource of quotas, nodes and volumes. */
export function validateResourceName(name: string, at: string, errors: FieldErrors): boolean {
  const sentences = validateQualifiedName(name);
  errors.rule(at, name, sentences);
  if (sentences.length > 0) return false;
  if (name.includes('/') || standardElsewhere.has(name) || isHugeQuota(name)) return true;
  errors.invalid(at, name, 'must be a standard resource type or fully qualified');
  return false;
}

export const validateContainerResourceName: NameRule = (name, at, errors) => {
  validateResourceName(name, at, errors);
  if (!name.includes('/')) {
    if (!standardForContainers.has(name) && !isHuge(name)) {
      errors.invalid(at, name, 'must be a standard resource for containers');
    }
  } else if (!isNative(name) && !isExtendedResource(name)) {
    errors.invalid(at, name, "doesn't follow extended resource name standard");
  }
};

const podLevel = ['cpu', 'hugepages-', 'memory'];

const validatePodResourceName: NameRule = (name, at, errors) => {
  if (!validateResourceName(name, at, errors)) return;
  if (name !== 'cpu' && name !== 'memory' && !isHuge(name)) errors.notSupported(at, name, podLevel);
};

export function checkNonNegativeQuantity(value: string | undefined, at: string, errors: FieldErrors): void {
  if (value !== undefined && compareQuantity(value, zeroQuantity) < 0) {
    errors.invalid(at, formatQuantity(value), 'must be greater than or equal to 0');
  }
}

/** Not negative, and whole where the resource is counted. */
export function validateResourceQuantity(name: string, value: string, at: string, errors: FieldErrors): void {
  checkNonNegativeQuantity(value, at, errors);
  if (isInteger(name) && (parseQuantity(value).nanos / 1_000_000n) % 1000n !== 0n) {
    errors.invalid(at, formatQuantity(value), 'must be an integer');
  }
}

/** Pages are whole. */
function validateHugePages(name: string, value: string, at: string, errors: FieldErrors): void {
  const { nanos } = parseQuantity(value);
  let page: bigint;
  try {
    page = parseQuantity(name.slice('hugepages-'.length)).nanos;
  } catch {
    errors.invalid(at, formatQuantity(value), `${formatQuantity(value)} is not positive integer multiple of ${name}`);
    return;
  }
  const size = page < 0n ? -page : page;
  if (page === 0n || nanos % (size === 0n ? 1n : size) !== 0n || nanos % NANO !== 0n) {
    errors.invalid(at, formatQuantity(value), `${formatQuantity(value)} is not positive integer multiple of ${name}`);
  }
}

/** Of one container; `claims`: the names of the pod's resource claims. */
export function validateResources(
  resources: ResourceRequirements | undefined,
  claims: ReadonlySet<string>,
  at: string,
  errors: FieldErrors,
  checkName: NameRule = validateContainerResourceName,
): void {
  if (!resources) return;
  const { requests = {}, limits = {} } = resources;
  const flags = {
    huge: false,
    base: 'cpu' in limits || 'memory' in limits || 'cpu' in requests || 'memory' in requests,
  };
  for (const name of Object.keys(limits)) {
    const here = `${at}.limits[${name}]`;
    const value = limits[name] ?? '0';
    checkName(name, here, errors);
    validateResourceQuantity(name, value, here, errors);
    if (isHuge(name)) {
      flags.huge = true;
      validateHugePages(name, value, here, errors);
    }
  }
  for (const name of Object.keys(requests)) {
    const here = `${at}.requests[${name}]`;
    const value = requests[name] ?? '0';
    checkName(name, here, errors);
    validateResourceQuantity(name, value, here, errors);
    checkRequestAgainstLimit(name, value, limits, at, errors);
    if (isHuge(name)) {
      flags.huge = true;
      validateHugePages(name, value, here, errors);
    }
  }
  if (flags.huge && !flags.base) errors.forbidden(at, 'HugePages require cpu or memory');
  validateClaims(resources, claims, at, errors);
}

function checkRequestAgainstLimit(name: string, value: string, limits: Amounts, at: string, errors: FieldErrors): void {
  const limit = limits[name];
  if (limit === undefined) {
    if (!isOvercommitable(name)) errors.required(`${at}.limits`, 'Limit must be set for non overcommitable resources');
    return;
  }
  const order = compareQuantity(value, limit);
  if (order === 0) return;
  const shown = formatQuantity(limit);
  if (!isOvercommitable(name)) {
    errors.invalid(`${at}.requests`, formatQuantity(value), `must be equal to ${name} limit of ${shown}`);
  } else if (order > 0) {
    errors.invalid(`${at}.requests`, formatQuantity(value), `must be less than or equal to ${name} limit of ${shown}`);
  }
}

function validateClaims(
  { claims }: ResourceRequirements,
  known: ReadonlySet<string>,
  at: string,
  errors: FieldErrors,
): void {
  if (!claims) return;
  const seen = new Set<string>();
  claims.forEach(({ name, request }, index) => {
    const here = `${at}.claims[${index}]`;
    if (!name) {
      errors.required(here);
      return;
    }
    if (seen.has(name)) errors.duplicate(here, name);
    else if (request) {
      errors.rule(`${here}.request`, request, validateDnsLabel(request));
      const key = `${name}/${request}`;
      if (seen.has(key)) errors.duplicate(here, key);
      else seen.add(key);
    } else {
      for (const each of seen) if (each.startsWith(`${name}/`)) errors.duplicate(here, name);
      seen.add(name);
    }
    if (known.has(name)) return;
    const which = known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`;
    errors.notFoundBecause(here, name, `must be one of the names in pod.spec.resourceClaims${which}`);
  });
}

/** What all containers together ask for, with init containers one after the other and sidecars beside (KEP-753). */
export function aggregateResources(spec: PodSpec, part: 'requests' | 'limits'): Map<string, Quantity> {
  const total = new Map<string, Quantity>();
  const sidecars = new Map<string, Quantity>();
  const peak = new Map<string, Quantity>();
  const add = (to: Map<string, Quantity>, amounts: Amounts | undefined) => {
    for (const [name, value] of Object.entries(amounts ?? {})) to.set(name, addQuantity(to.get(name) ?? '0', value));
  };
  const raise = (to: Map<string, Quantity>, from: ReadonlyMap<string, Quantity>) => {
    for (const [name, value] of from) {
      const now = to.get(name);
      if (now === undefined || compareQuantity(value, now) > 0) to.set(name, value);
    }
  };
  for (const each of spec.containers ?? []) add(total, each.resources?.[part]);
  for (const each of spec.initContainers ?? []) {
    const amounts = each.resources?.[part];
    // Its own first: a sum is written as the first of its parts is.
    const running = new Map<string, Quantity>();
    add(running, amounts);
    for (const [name, amount] of sidecars) add(running, { [name]: formatQuantity(amount) });
    if (each.restartPolicy === 'Always') {
      add(total, amounts);
      add(sidecars, amounts);
    }
    raise(peak, running);
  }
  raise(total, peak);
  return total;
}

/** `spec.resources`: cpu, memory and huge pages of the whole pod (KEP-2837). */
export function validatePodResources(
  spec: PodSpec,
  claims: ReadonlySet<string>,
  at: string,
  errors: FieldErrors,
): void {
  const { resources } = spec;
  if (!resources) return;
  const here = `${at}.resources`;
  if (spec.os?.name === 'windows') {
    errors.forbidden(here, 'may not be set for a windows pod');
    return;
  }
  if (resources.claims ?? hollowMember(resources, 'claims'))
    errors.forbidden(`${here}.claims`, 'claims may not be set for Resources at pod-level');
  validateResources(resources, claims, here, errors, validatePodResourceName);
  const { limits = {}, requests = {} } = resources;
  const least = (part: 'requests' | 'limits', name: string, value: string, total: Quantity | undefined) => {
    if (total === undefined || compareQuantity(value, total) >= 0) return;
    const why = `must be greater than or equal to aggregate container ${part} of ${formatQuantity(total)}`;
    errors.invalid(`${here}.${part}[${name}]`, formatQuantity(value), why);
  };
  const asked = aggregateResources(spec, 'requests');
  for (const [name, value] of Object.entries(requests)) least('requests', name, value, asked.get(name));
  const bounds = aggregateResources(spec, 'limits');
  for (const [name, value] of Object.entries(limits)) if (isHuge(name)) least('limits', name, value, bounds.get(name));
  // Not of init containers: what they may use is looked at where they run.
  spec.containers?.forEach((container, index) => {
    for (const [name, value] of Object.entries(container.resources?.limits ?? {})) {
      const most = limits[name];
      if (most === undefined || compareQuantity(value, most) <= 0) continue;
      const why = `must be less than or equal to pod limits of ${formatQuantity(most)}`;
      errors.invalid(`${here}.containers[${index}][${name}].limits`, formatQuantity(value), why);
    }
  });
}

/** Answers with the names of the pod's resource claims. */
export function validatePodClaims({ resourceClaims }: PodSpec, at: string, errors: FieldErrors): ReadonlySet<string> {
  if (!resourceClaims) return none;
  const names = new Set<string>();
  resourceClaims.forEach((claim, index) => {
    const { name, resourceClaimName: own, resourceClaimTemplateName: template } = claim;
    const here = `${at}.resourceClaims[${index}]`;
    if (!name) errors.required(`${here}.name`);
    else if (names.has(name)) errors.duplicate(`${here}.name`, name);
    else {
      errors.rule(`${here}.name`, name, validateDnsLabel(name));
      names.add(name);
    }
    if (own !== undefined && template !== undefined) {
      const why = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      errors.invalid(here, inGo('PodResourceClaim', claim), why);
    }
    if (own === undefined && template === undefined) {
      const why = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';
      errors.invalid(here, inGo('PodResourceClaim', claim), why);
    }
    if (own !== undefined) errors.rule(`${here}.resourceClaimName`, own, validateDnsSubdomain(own));
    if (template !== undefined) {
      errors.rule(`${here}.resourceClaimTemplateName`, template, validateDnsSubdomain(template));
    }
  });
  return names;
}

const none: ReadonlySet<string> = new Set();

import {
  type CrossVersionObjectReference,
  compareQuantity,
  type MetricIdentifier,
  type MetricSpec,
  type MetricTarget,
  validateDnsLabel,
  validatePathSegment,
} from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { validateContainerResourceName } from '../pods/resource-validation.ts';

const types = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
/** The order in which Kubernetes looks for what is there; only the first is looked into. */
const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
type Source = (typeof sources)[number];

const fieldOf: ReadonlyMap<string, Source> = new Map(
  Object.entries<Source>({
    Object: 'object',
    Pods: 'pods',
    Resource: 'resource',
    External: 'external',
    ContainerResource: 'containerResource',
  }),
);

export function checkReference(
  reference: CrossVersionObjectReference | undefined,
  at: string,
  errors: FieldErrors,
): void {
  for (const field of ['kind', 'name'] as const) {
    const value = reference?.[field];
    if (!value) errors.required(`${at}.${field}`);
    else errors.rule(`${at}.${field}`, value, validatePathSegment(value));
  }
}

export function checkMetric(metric: MetricSpec, at: string, errors: FieldErrors): void {
  if (!metric.type) errors.required(`${at}.type`, 'must specify a metric source type');
  if (!types.includes(metric.type)) errors.notSupported(`${at}.type`, metric.type ?? '', types);
  const present = sources.filter((each) => metric[each] !== undefined);
  const [first] = present;
  if (first) checkSource(metric, first, `${at}.${first}`, errors);
  const expected = fieldOf.get(metric.type);
  if (expected === undefined) errors.notSupported(`${at}.type`, metric.type ?? '', types);
  else if (metric[expected] === undefined) {
    errors.required(`${at}.${expected}`, 'must populate information for the given metric source');
  }
  if (present.length === 1) return;
  // Go walks a map here, in no order.
  for (const each of present) {
    if (each !== expected) errors.forbidden(`${at}.${each}`, 'must populate the given metric source only');
  }
}

function checkSource(metric: MetricSpec, source: Source, at: string, errors: FieldErrors): void {
  switch (source) {
    case 'object': {
      checkReference(metric.object?.describedObject, `${at}.describedObject`, errors);
      checkIdentifier(metric.object?.metric, `${at}.metric`, errors);
      const target = checkTarget(metric.object?.target, `${at}.target`, errors);
      if (target.value === undefined && target.averageValue === undefined) {
        errors.required(`${at}.target.averageValue`, 'must set either a target value or averageValue');
      }
      return;
    }
    case 'external': {
      checkIdentifier(metric.external?.metric, `${at}.metric`, errors);
      const target = checkTarget(metric.external?.target, `${at}.target`, errors);
      if (target.value === undefined && target.averageValue === undefined) {
        errors.required(`${at}.target.averageValue`, 'must set either a target value for metric or a per-pod target');
      }
      if (target.value !== undefined && target.averageValue !== undefined) {
        errors.forbidden(`${at}.target.value`, 'may not set both a target value for metric and a per-pod target');
      }
      return;
    }
    case 'pods': {
      checkIdentifier(metric.pods?.metric, `${at}.metric`, errors);
      const target = checkTarget(metric.pods?.target, `${at}.target`, errors);
      if (target.averageValue === undefined) {
        errors.required(`${at}.target.averageValue`, 'must specify a positive target averageValue');
      }
      return;
    }
    case 'containerResource':
      checkContainerResource(metric.containerResource?.name, metric.containerResource?.container, at, errors);
      checkUse(metric.containerResource?.target, `${at}.target`, errors);
      return;
    case 'resource':
      if (!metric.resource?.name) errors.required(`${at}.name`, 'must specify a resource name');
      checkUse(metric.resource?.target, `${at}.target`, errors);
  }
}

function checkContainerResource(name = '', container = '', at: string, errors: FieldErrors): void {
  if (name === '') errors.required(`${at}.name`, 'must specify a resource name');
  else validateContainerResourceName(name, `${at}.name`, errors);
  if (container === '') errors.required(`${at}.container`, 'must specify a container');
  else errors.rule(`${at}.container`, container, validateDnsLabel(container));
}

function checkUse(given: MetricTarget | undefined, at: string, errors: FieldErrors): void {
  const target = checkTarget(given, at, errors);
  if (target.averageUtilization === undefined && target.averageValue === undefined) {
    errors.required(`${at}.averageUtilization`, 'must set either a target raw value or a target utilization');
  }
  if (target.averageUtilization !== undefined && target.averageValue !== undefined) {
    errors.forbidden(`${at}.averageValue`, 'may not set both a target raw value and a target utilization');
  }
}

function checkIdentifier(metric: MetricIdentifier | undefined, at: string, errors: FieldErrors): void {
  const name = metric?.name ?? '';
  if (name === '') errors.required(`${at}.name`, 'must specify a metric name');
  else {
    const wrong = validatePathSegment(name);
    if (wrong.length > 0) errors.invalid(`${at}.name`, name, wrong.join(','));
  }
}

function checkTarget(given: MetricTarget | undefined, at: string, errors: FieldErrors): Partial<MetricTarget> {
  const target: Partial<MetricTarget> = given ?? {};
  const { type, value, averageValue, averageUtilization } = target;
  if (!type) errors.required(`${at}.type`, 'must specify a metric target type');
  if (type !== 'Utilization' && type !== 'Value' && type !== 'AverageValue') {
    errors.invalid(`${at}.type`, type ?? '', 'must be either Utilization, Value, or AverageValue');
  }
  if (value !== undefined && compareQuantity(value, '0') <= 0) errors.invalid(`${at}.value`, value, 'must be positive');
  if (averageValue !== undefined && compareQuantity(averageValue, '0') <= 0) {
    errors.invalid(`${at}.averageValue`, averageValue, 'must be positive');
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.invalid(`${at}.averageUtilization`, averageUtilization, 'must be greater than 0');
  }
  return target;
}

import {
  type Affinity,
  type LabelSelector,
  type NodeSelector,
  type NodeSelectorRequirement,
  type NodeSelectorTerm,
  type PodAffinityTerm,
  validateDnsLabel,
  validateDnsSubdomain,
  validateLabelValue,
  validateQualifiedName,
} from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkQualifiedName, checkSelector } from '../checks.ts';

const rangeMessage = 'must be in the range 1-100';

/** `old` labels of nodes may have values that a later rule forbids: they match nothing, and are let be. */
export function validateAffinity(affinity: Affinity | undefined, at: string, errors: FieldErrors): void {
  if (!affinity) return;
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  if (nodeAffinity) {
    const required = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    const here = `${at}.nodeAffinity`;
    if (required) validateNodeSelector(required, `${here}.requiredDuringSchedulingIgnoredDuringExecution`, errors);
    nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight, preference }, index) => {
      const own = `${here}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      checkWeight(weight, `${own}.weight`, errors);
      validateNodeTerm(preference, `${own}.preference`, errors);
    });
  }
  for (const [name, pods] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    pods?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((each, index) => {
      validatePodTerm(each, `${at}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, errors);
    });
    pods?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight, podAffinityTerm }, index) => {
      const own = `${at}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      checkWeight(weight, `${own}.weight`, errors);
      validatePodTerm(podAffinityTerm, `${own}.podAffinityTerm`, errors);
    });
  }
}

function checkWeight(weight: number, at: string, errors: FieldErrors): void {
  if (weight <= 0 || weight > 100) errors.invalid(at, weight, rangeMessage);
}

export function validateNodeSelector(selector: NodeSelector, at: string, errors: FieldErrors): void {
  const here = `${at}.nodeSelectorTerms`;
  if (!selector.nodeSelectorTerms?.length) {
    errors.required(here, 'must have at least one node selector term');
    return;
  }
  selector.nodeSelectorTerms.forEach((each, index) => void validateNodeTerm(each, `${here}[${index}]`, errors, true));
}

/** `strict`: values are such as labels can have; preferences of old may ask for others, in vain. */
export function validateNodeTerm(
  term: NodeSelectorTerm | undefined,
  at: string,
  errors: FieldErrors,
  strict = false,
): void {
  term?.matchExpressions?.forEach((each, index) => {
    const here = `${at}.matchExpressions[${index}]`;
    validateNodeRequirement(each, here, errors);
    if (!strict) return;
    each.values?.forEach((value, number) => {
      errors.rule(`${here}.values[${number}]`, value, validateLabelValue(value));
    });
  });
  term?.matchFields?.forEach((each, index) => void validateNodeField(each, `${at}.matchFields[${index}]`, errors));
}

function validateNodeRequirement(
  { key = '', operator = '', values = [] }: Partial<NodeSelectorRequirement>,
  at: string,
  errors: FieldErrors,
): void {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) errors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        errors.required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      }
      break;
    default:
      errors.invalid(`${at}.operator`, operator, 'not a valid selector operator');
  }
  checkQualifiedName(key, `${at}.key`, errors);
}

function validateNodeField(
  { key = '', operator = '', values = [] }: Partial<NodeSelectorRequirement>,
  at: string,
  errors: FieldErrors,
): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length !== 1) {
      const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
      errors.required(`${at}.values`, why);
    }
  } else errors.invalid(`${at}.operator`, operator, 'not a valid selector operator');
  if (key !== 'metadata.name') {
    errors.invalid(`${at}.key`, key, 'not a valid field selector key');
    return;
  }
  values.forEach((each, index) => void errors.rule(`${at}.values[${index}]`, each, validateDnsSubdomain(each)));
}

function validatePodTerm(term: PodAffinityTerm | undefined, at: string, errors: FieldErrors): void {
  const { labelSelector, namespaceSelector, namespaces, topologyKey = '' } = term ?? { topologyKey: '' };
  checkSelector(labelSelector, `${at}.labelSelector`, errors);
  checkSelector(namespaceSelector, `${at}.namespaceSelector`, errors);
  for (const each of namespaces ?? []) errors.rule(`${at}.namespace`, each, validateDnsLabel(each));
  validateTermKeys(term, at, errors);
  if (topologyKey === '') errors.required(`${at}.topologyKey`, 'can not be empty');
  checkQualifiedName(topologyKey, `${at}.topologyKey`, errors);
}

function validateTermKeys(term: PodAffinityTerm | undefined, at: string, errors: FieldErrors): void {
  const { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector } = term ?? {};
  validateMatchLabelKeys(matchLabelKeys, labelSelector, `${at}.matchLabelKeys`, errors);
  validateMatchLabelKeys(mismatchLabelKeys, labelSelector, `${at}.mismatchLabelKeys`, errors);
  const others = new Set(mismatchLabelKeys);
  matchLabelKeys.forEach((each, index) => {
    if (others.has(each)) {
      errors.invalid(`${at}.matchLabelKeys[${index}]`, each, 'exists in both matchLabelKeys and mismatchLabelKeys');
    }
  });
}

/** Keys whose values of the pod itself are merged into the selector. */
export function validateMatchLabelKeys(
  keys: readonly string[],
  selector: LabelSelector | undefined,
  at: string,
  errors: FieldErrors,
): void {
  if (keys.length === 0) return;
  if (!selector) {
    errors.forbidden(at, 'must not be specified when labelSelector is not set');
    return;
  }
  keys.forEach((each, index) => void errors.rule(`${at}[${index}]`, each, validateQualifiedName(each)));
}

/** The values of a selector as ones that a label can have. */
export function hasInvalidLabelValue(selector: LabelSelector | undefined): boolean {
  return (
    selector?.matchExpressions?.some((each) => each.values?.some((value) => validateLabelValue(value).length > 0)) ??
    false
  );
}

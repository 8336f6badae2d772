import {
  type LabelSelector,
  type PodSpec,
  type Toleration,
  type TopologySpreadConstraint,
  validateLabelValue,
  validateQualifiedName,
} from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkOneOf, checkQualifiedName, checkSelector } from '../checks.ts';
import { validateMatchLabelKeys } from './affinity-validation.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(
  tolerations: readonly Toleration[] | undefined,
  at: string,
  errors: FieldErrors,
): void {
  tolerations?.forEach((each, index) => void validateToleration(each, `${at}[${index}]`, errors));
}

function validateToleration(toleration: Toleration, at: string, errors: FieldErrors): void {
  const { key, operator = '', value = '', effect = '', tolerationSeconds } = toleration;
  if (key) checkQualifiedName(key, `${at}.key`, errors);
  else if (operator !== 'Exists') {
    const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.invalid(`${at}.operator`, operator, why);
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  switch (operator) {
    case 'Equal':
    case '':
      // Kubernetes puts the finding about the value under the operator.
      {
        const sentences = validateLabelValue(value);
        if (sentences.length > 0) errors.invalid(`${at}.operator`, value, sentences.join(';'));
      }
      break;
    case 'Exists':
      if (value) errors.invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
      break;
    case 'Lt':
    case 'Gt':
      errors.notSupported(`${at}.operator`, operator, ['Equal', 'Exists', 'Lt', 'Gt']);
      break;
    default:
      errors.notSupported(`${at}.operator`, operator, ['Equal', 'Exists']);
  }
  if (effect) checkOneOf(`${at}.effect`, effect, effects, errors);
}

export function validateReadinessGates({ readinessGates }: PodSpec, at: string, errors: FieldErrors): void {
  readinessGates?.forEach(({ conditionType }, index) => {
    checkQualifiedName(conditionType ?? '', `${at}.readinessGates[${index}].conditionType`, errors);
  });
}

export function validateSchedulingGates({ schedulingGates }: PodSpec, at: string, errors: FieldErrors): void {
  if (!schedulingGates) return;
  const seen = new Set<string>();
  schedulingGates.forEach(({ name = '' }, index) => {
    const here = `${at}.schedulingGates[${index}]`;
    errors.rule(here, name, validateQualifiedName(name));
    if (seen.has(name)) errors.duplicate(here, name);
    seen.add(name);
  });
}

const honour = ['Honor', 'Ignore'];

/** `keeps`: whether the selector stood there before, and may stay as it is. */
export function validateTopologySpread(
  constraints: readonly TopologySpreadConstraint[] | undefined,
  at: string,
  keeps: (selector: LabelSelector) => boolean,
  errors: FieldErrors,
): void {
  constraints?.forEach((each, index) => {
    const here = `${at}[${index}]`;
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains, labelSelector } = each;
    if (maxSkew <= 0) errors.invalid(`${here}.maxSkew`, maxSkew, 'must be greater than zero');
    if (topologyKey === '') errors.required(`${here}.topologyKey`, 'can not be empty');
    checkOneOf(`${here}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'], errors);
    const again = constraints
      .slice(index + 1)
      .some(
        (other) => (other.topologyKey ?? '') === topologyKey && (other.whenUnsatisfiable ?? '') === whenUnsatisfiable,
      );
    if (again) {
      errors.duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    }
    if (minDomains !== undefined) validateMinDomains(minDomains, whenUnsatisfiable, `${here}.minDomains`, errors);
    checkOneOf(`${here}.nodeAffinityPolicy`, each.nodeAffinityPolicy, honour, errors);
    checkOneOf(`${here}.nodeTaintsPolicy`, each.nodeTaintsPolicy, honour, errors);
    validateMatchLabelKeys(each.matchLabelKeys ?? [], labelSelector, `${here}.matchLabelKeys`, errors);
    if (labelSelector && !keeps(labelSelector)) checkSelector(labelSelector, `${here}.labelSelector`, errors);
  });
}

function validateMinDomains(count: number, when: string, at: string, errors: FieldErrors): void {
  if (count <= 0) errors.invalid(at, count, 'must be greater than zero');
  if (when !== 'DoNotSchedule') {
    errors.invalid(at, count, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${when}`);
  }
}

import { type JobSpec, type PodFailurePolicyRule, validateQualifiedName } from '@keelson/core';
import { hollowMember } from '../../../schema/index.ts';
import type { FieldErrors } from '../../strategy.ts';
import { invalidUnshown } from '../unshown.ts';

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

/** KEP-3329: what a failed pod means for its job. */
export function checkFailurePolicy(spec: JobSpec, at: string, errors: FieldErrors): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > 20) errors.tooMany(`${at}.rules`, rules.length, 20);
  const { containers, initContainers } = spec.template?.spec ?? { containers: [] };
  const names = new Set([...(containers ?? []), ...(initContainers ?? [])].map((each) => each.name));
  rules.forEach((rule, index) => {
    checkRule(rule, spec, names, `${at}.rules[${index}]`, errors);
  });
}

function checkRule(
  rule: PodFailurePolicyRule,
  spec: JobSpec,
  names: ReadonlySet<string>,
  at: string,
  errors: FieldErrors,
): void {
  const { action, onExitCodes } = rule;
  const onPodConditions = rule.onPodConditions ?? [];
  if (!action) errors.required(`${at}.action`, `valid values: [${actions.map((each) => `"${each}"`).join(' ')}]`);
  else if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) {
      errors.invalid(`${at}.action`, action, 'requires the backoffLimitPerIndex to be set');
    }
  } else if (!actions.includes(action)) errors.notSupported(`${at}.action`, action, actions);
  if (onExitCodes) checkExitCodes(onExitCodes, names, `${at}.onExitCodes`, errors);
  if (onPodConditions.length > 20) errors.tooMany(`${at}.onPodConditions`, onPodConditions.length, 20);
  onPodConditions.forEach((pattern, index) => {
    const here = `${at}.onPodConditions[${index}]`;
    checkConditionType(pattern.type ?? '', `${here}.type`, errors);
    const { status } = pattern;
    if (!status) errors.required(`${here}.status`, 'valid values: ["False" "True" "Unknown"]');
    else if (!['False', 'True', 'Unknown'].includes(status)) {
      errors.notSupported(`${here}.status`, status, ['False', 'True', 'Unknown']);
    }
  });
  const both = onExitCodes !== undefined && onPodConditions.length > 0;
  if (both) invalidUnshown(at, 'specifying both OnExitCodes and OnPodConditions is not supported', errors);
  if (!onExitCodes && onPodConditions.length === 0) {
    invalidUnshown(at, 'specifying one of OnExitCodes and OnPodConditions is required', errors);
  }
}

function checkConditionType(type: string, at: string, errors: FieldErrors): void {
  errors.rule(at, type, validateQualifiedName(type));
}

function checkExitCodes(
  requirement: NonNullable<PodFailurePolicyRule['onExitCodes']>,
  names: ReadonlySet<string>,
  at: string,
  errors: FieldErrors,
): void {
  const { operator, containerName } = requirement;
  const values = requirement.values ?? [];
  if (!operator) errors.required(`${at}.operator`, 'valid values: ["In" "NotIn"]');
  else if (operator !== 'In' && operator !== 'NotIn') errors.notSupported(`${at}.operator`, operator, ['In', 'NotIn']);
  if (containerName !== undefined && !names.has(containerName)) {
    errors.invalid(
      `${at}.containerName`,
      containerName,
      'must be one of the container or initContainer names in the pod template',
    );
  }
  if (values.length === 0) {
    errors.invalid(
      `${at}.values`,
      requirement.values ?? hollowMember(requirement, 'values') ?? null,
      'at least one value is required',
    );
  } else if (values.length > 255) errors.tooMany(`${at}.values`, values.length, 255);
  const seen = new Set<number>();
  values.forEach((value, index) => {
    const here = `${at}.values[${index}]`;
    if (value === 0 && operator === 'In') errors.invalid(here, value, 'must not be 0 for the In operator');
    if (seen.has(value)) errors.duplicate(here, value);
    else seen.add(value);
  });
  if (values.some((value, index) => value < (values[index - 1] ?? value)))
    errors.invalid(`${at}.values`, values, 'must be ordered');
}

import type { JobSpec, PodTemplateSpec } from '@keelson/core';
import type { Draft } from '../../draft.ts';
import type { FieldErrors } from '../../strategy.ts';
import { checkNonNegative, checkSelector } from '../checks.ts';
import { goValue } from '../go-value.ts';
import { checkDomainPrefixedPath } from '../name-checks.ts';
import { defaultTemplate } from '../pod-defaults.ts';
import { validateTemplate } from '../workloads.ts';
import { checkFailurePolicy } from './failure-policy.ts';
import { checkSuccessPolicy } from './success-policy.ts';

const mostIndexes = 100_000;

export function defaultJobSpec(spec: Draft<JobSpec>): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  defaultFailurePolicy(spec);
}

export function defaultFailurePolicy(spec: Draft<JobSpec>): void {
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
}

/** A job's pods run to an end, so that there is no default for how they are restarted. */
export function defaultJobTemplate(template: Draft<PodTemplateSpec> | undefined): void {
  if (!template?.spec) return;
  const policy = template.spec.restartPolicy;
  defaultTemplate(template);
  if (!policy) template.spec.restartPolicy = 'Always';
}

function checkModes(spec: JobSpec, at: string, errors: FieldErrors): void {
  const { completionMode, completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (completionMode !== undefined && completionMode !== 'NonIndexed' && completionMode !== 'Indexed') {
    errors.notSupported(`${at}.completionMode`, completionMode, ['NonIndexed', 'Indexed']);
  }
  if (completionMode === 'Indexed') {
    if (completions === undefined) errors.required(`${at}.completions`, 'when completion mode is Indexed');
    if (parallelism > mostIndexes) {
      const why = `must be less than or equal to ${mostIndexes} when completion mode is Indexed`;
      errors.invalid(`${at}.parallelism`, parallelism, why);
    }
    if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
      errors.invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions');
    }
    if (maxFailedIndexes !== undefined && maxFailedIndexes > mostIndexes) {
      errors.invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${mostIndexes}`);
    }
    if (completions !== undefined && completions > mostIndexes && backoffLimitPerIndex !== undefined) {
      if (maxFailedIndexes === undefined) {
        errors.required(`${at}.maxFailedIndexes`, `must be specified when completions is above ${mostIndexes}`);
      }
      if (parallelism > 10_000) {
        const why = `must be less than or equal to 10000 when completions are above ${mostIndexes} and used with backoff limit per index`;
        errors.invalid(`${at}.parallelism`, parallelism, why);
      }
      if (maxFailedIndexes !== undefined && maxFailedIndexes > 10_000) {
        const why = `must be less than or equal to 10000 when completions are above ${mostIndexes} and used with backoff limit per index`;
        errors.invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, why);
      }
    }
  }
  if (completionMode === undefined || completionMode === 'NonIndexed') {
    if (backoffLimitPerIndex !== undefined) {
      errors.invalid(`${at}.backoffLimitPerIndex`, backoffLimitPerIndex, 'requires indexed completion mode');
    }
    if (maxFailedIndexes !== undefined) {
      errors.invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, 'requires indexed completion mode');
    }
  }
}

function checkReplacement(spec: JobSpec, at: string, errors: FieldErrors): void {
  const policy = spec.podReplacementPolicy;
  if (policy === undefined) return;
  const supported = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  if (!supported.includes(policy)) errors.notSupported(`${at}.podReplacementPolicy`, policy, supported);
}

/** All rules but those about the selector, which a cron job's template may not have. */
export function checkJobSpec(spec: JobSpec, at: string, errors: FieldErrors, old?: JobSpec): void {
  for (const name of ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit'] as const) {
    checkNonNegative(`${at}.${name}`, spec[name], errors);
  }
  checkNonNegative(`${at}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished, errors);
  checkNonNegative(`${at}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, errors);
  if (spec.maxFailedIndexes !== undefined) {
    checkNonNegative(`${at}.maxFailedIndexes`, spec.maxFailedIndexes, errors);
    if (spec.backoffLimitPerIndex === undefined) {
      errors.required(`${at}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified');
    }
  }
  if (spec.managedBy !== undefined) {
    checkDomainPrefixedPath(spec.managedBy, `${at}.managedBy`, errors);
    if (spec.managedBy.length > 63) errors.tooLong(`${at}.managedBy`, 63);
  }
  checkModes(spec, at, errors);
  if (spec.podFailurePolicy) checkFailurePolicy(spec, `${at}.podFailurePolicy`, errors);
  if (spec.successPolicy) {
    if (spec.completionMode !== 'Indexed') {
      const shown = goValue('io.k8s.api.batch.v1.SuccessPolicy', spec.successPolicy);
      errors.invalid(`${at}.successPolicy`, shown, 'requires indexed completion mode');
    } else checkSuccessPolicy(spec, `${at}.successPolicy`, errors);
  }
  checkReplacement(spec, at, errors);
  validateTemplate(spec.template, `${at}.template`, errors, old?.template);
  checkRestartPolicy(spec, `${at}.template.spec.restartPolicy`, errors);
}

function checkRestartPolicy(spec: JobSpec, field: string, errors: FieldErrors): void {
  const policy = spec.template?.spec?.restartPolicy ?? '';
  if (policy === '' || policy === 'Always') errors.required(field, 'valid values: "OnFailure", "Never"');
  else if (policy !== 'OnFailure' && policy !== 'Never') errors.notSupported(field, policy, ['OnFailure', 'Never']);
  else if (spec.podFailurePolicy && policy !== 'Never') {
    errors.invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

export function checkJobSelector(spec: JobSpec, errors: FieldErrors): void {
  if (spec.selector) checkSelector(spec.selector, 'spec.selector', errors);
  else errors.required('spec.selector');
}

import { CronJob, deepEqual, Job, type JobSpec, labelSelectorMatches } from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';
import { checkNonNegative, checkOneOf } from './checks.ts';
import { defaultTemplate } from './pod-defaults.ts';
import { validateTemplate } from './workloads.ts';

function defaultJobSpec(spec: Draft<JobSpec>): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
  spec.completionMode ||= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ||= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
}

/** A job's pods run to an end, so that they cannot be restarted always. */
function defaultJobTemplate(spec: Draft<JobSpec>): void {
  const policy = spec.template?.spec?.restartPolicy;
  defaultTemplate(spec.template);
  if (!policy && spec.template?.spec) delete spec.template.spec.restartPolicy;
}

function validateJobSpec(spec: JobSpec, at: string, errors: FieldErrors): void {
  for (const name of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
  ] as const) {
    checkNonNegative(`${at}.${name}`, spec[name], errors);
  }
  checkOneOf(`${at}.completionMode`, spec.completionMode, ['NonIndexed', 'Indexed'], errors);
  if (spec.completionMode === 'Indexed' && spec.completions === undefined) {
    errors.required(`${at}.completions`, 'when completion mode is Indexed');
  }
  validateTemplate(spec.template, `${at}.template`, errors);
  const policy = spec.template?.spec?.restartPolicy;
  const field = `${at}.template.spec.restartPolicy`;
  if (!policy) errors.required(field, 'valid values: "OnFailure", "Never"');
  else if (policy === 'Always') errors.notSupported(field, policy, ['OnFailure', 'Never']);
}

const job = strategyFor(Job, {
  generation: 'spec',
  orphansByDefault: true,
  defaults({ spec, metadata }) {
    defaultJobTemplate(spec);
    defaultJobSpec(spec);
    const labels = spec.template?.metadata?.labels;
    if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  },
  prepareCreate(object) {
    const { spec, metadata } = object;
    if (spec.manualSelector || !spec.template) return;
    const uid = metadata.uid ?? '';
    const own = {
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': metadata.name,
      'controller-uid': uid,
      'job-name': metadata.name,
    };
    const template = spec.template.metadata ?? {};
    const before = metadata.labels;
    spec.template.metadata = { ...template, labels: { ...template.labels, ...own } } as typeof template & {
      name: string;
    };
    if (Object.keys(before ?? {}).length === 0) metadata.labels = { ...spec.template.metadata.labels };
    spec.selector = {
      ...spec.selector,
      matchLabels: { ...spec.selector?.matchLabels, 'batch.kubernetes.io/controller-uid': uid },
    };
  },
  validate({ spec, metadata }, errors) {
    if (metadata.name && metadata.name.length > 63) {
      errors.invalid('metadata.name', metadata.name, 'must be no more than 63 characters');
    }
    validateJobSpec(spec, 'spec', errors);
    const labels = Object.keys(spec.selector?.matchLabels ?? {});
    const extra = labels.length > 1 || (spec.selector?.matchExpressions?.length ?? 0) > 0;
    if (!spec.manualSelector && extra) errors.invalid('spec.selector', spec.selector, '`selector` not auto-generated');
    const template = spec.template?.metadata?.labels;
    if (spec.selector && !labelSelectorMatches(spec.selector, template)) {
      errors.invalid('spec.template.metadata.labels', template ?? null, '`selector` does not match template `labels`');
    }
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    for (const name of [
      'completions',
      'selector',
      'completionMode',
      'podFailurePolicy',
      'backoffLimitPerIndex',
    ] as const) {
      if (name === 'completions' && spec.completionMode === 'Indexed' && spec.completions === spec.parallelism)
        continue;
      if (!deepEqual(spec[name], old[name])) errors.invalid(`spec.${name}`, spec[name], 'field is immutable');
    }
    const stopped = old.suspend === true && spec.suspend === true;
    if (!stopped && !deepEqual(spec.template, old.template)) {
      errors.invalid('spec.template', spec.template, 'field is immutable');
    }
  },
});

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const cronJob = strategyFor(CronJob, {
  generation: 'spec',
  defaults({ spec }) {
    const template = spec.jobTemplate?.spec?.template;
    const policy = template?.spec?.restartPolicy;
    defaultTemplate(template);
    if (template?.spec && !policy) delete template.spec.restartPolicy;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
  },
  validate({ spec }, errors) {
    if (!spec.schedule) errors.required('spec.schedule');
    else if (!spec.schedule.startsWith('@')) {
      const fields = spec.schedule.trim().split(/\s+/);
      if (fields.length !== 5) {
        const found = `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
        errors.invalid('spec.schedule', spec.schedule, found);
      }
    }
    if (spec.timeZone !== undefined && !isTimeZone(spec.timeZone)) {
      errors.invalid('spec.timeZone', spec.timeZone, `unknown time zone ${spec.timeZone}`);
    }
    checkOneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], errors);
    if (spec.jobTemplate?.spec) validateJobSpec(spec.jobTemplate.spec, 'spec.jobTemplate.spec', errors);
  },
});

export const jobStrategies: readonly NamedStrategy[] = [job, cronJob];

import { CronJob } from '@keelson/core';
import { strategyFor } from '../../strategy.ts';
import { checkNonNegative, checkOneOf } from '../checks.ts';
import { shownSelector } from '../go-value.ts';
import { checkSchedule, checkTimeZone } from './cron-schedule.ts';
import { checkJobSpec, defaultFailurePolicy, defaultJobTemplate } from './job-spec.ts';

const zoneInSchedule = (schedule: string) => schedule.includes('TZ');

export const cronJob = strategyFor(CronJob, {
  generation: 'spec',
  defaults({ spec }) {
    defaultJobTemplate(spec.jobTemplate?.spec?.template);
    if (spec.jobTemplate?.spec) defaultFailurePolicy(spec.jobTemplate.spec);
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
  },
  validate({ spec, metadata }, errors, old) {
    const name = metadata.name ?? '';
    if (!spec.schedule) errors.required('spec.schedule');
    else checkSchedule(spec, old?.spec.schedule, errors);
    checkNonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds, errors);
    if (spec.timeZone !== undefined && spec.timeZone !== old?.spec.timeZone) checkTimeZone(spec.timeZone, errors);
    if (!spec.concurrencyPolicy) errors.required('spec.concurrencyPolicy');
    else checkOneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], errors);
    const at = 'spec.jobTemplate.spec';
    if (spec.jobTemplate?.spec) {
      checkJobSpec(spec.jobTemplate.spec, at, errors, old?.spec.jobTemplate?.spec);
      const { selector } = spec.jobTemplate.spec;
      if (selector) errors.invalid(`${at}.selector`, shownSelector(selector), '`selector` will be auto-generated');
      if (spec.jobTemplate.spec.manualSelector) errors.notSupported(`${at}.manualSelector`, true, ['nil', 'false']);
    }
    checkNonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit, errors);
    checkNonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit, errors);
    if (name.length > 52) errors.invalid('metadata.name', name, 'must be no more than 52 characters');
  },
  warnings({ spec }, old) {
    const unsupported = `CRON_TZ or TZ used in spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`;
    return zoneInSchedule(spec.schedule ?? '') && old?.spec.schedule !== spec.schedule ? [unsupported] : [];
  },
});

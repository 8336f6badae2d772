import { deepEqual, type Job } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkNonNegative } from '../checks.ts';
import { goValue } from '../go-value.ts';
import { invalidUnshown } from '../unshown.ts';
import { countIndexes, firstShared } from './indexes.ts';

type Status = NonNullable<Job['status']>;
type Field = keyof Status;

const at = 'status';
const isTrue = (status: Status, type: string) =>
  (status.conditions ?? []).some((each) => each.type === type && each.status === 'True');
const isFinished = (status: Status) => isTrue(status, 'Complete') || isTrue(status, 'Failed');

/** Before and after, with what of it changed: most rules hold only for what a request touches (KEP-4368). */
interface Change {
  readonly job: Job;
  readonly status: Status;
  readonly old: Status;
  readonly fields: (...names: readonly Field[]) => boolean;
  readonly conditions: (...types: readonly string[]) => boolean;
  readonly finished: boolean;
}

export function checkJobStatus(job: Job, previous: Job, errors: FieldErrors): void {
  const { status = {} } = job;
  const old = previous.status ?? {};
  const change: Change = {
    job,
    status,
    old,
    fields: (...names) => names.some((each) => !deepEqual(status[each], old[each])),
    conditions: (...types) => types.some((each) => isTrue(status, each) !== isTrue(old, each)),
    finished: isFinished(status) !== isFinished(old),
  };
  checkCounts(status, errors);
  checkUncounted(status, errors);
  checkOutcome(change, errors);
  checkFinished(change, errors);
  checkIndexes(change, errors);
  if (change.fields('ready', 'active') && (status.ready ?? 0) > (status.active ?? 0)) {
    errors.invalid(`${at}.ready`, status.ready, 'cannot set more ready pods than active');
  }
  checkCriteria(status, errors);
  checkNothingTakenBack(change, errors);
}

function checkCounts(status: Status, errors: FieldErrors): void {
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) {
    checkNonNegative(`${at}.${field}`, status[field], errors);
  }
}

function checkUncounted({ uncountedTerminatedPods: pods }: Status, errors: FieldErrors): void {
  if (!pods) return;
  const seen = new Set<string>();
  for (const field of ['succeeded', 'failed'] as const) {
    (pods[field] ?? []).forEach((uid, index) => {
      const here = `${at}.uncountedTerminatedPods.${field}[${index}]`;
      if (uid === '') errors.invalid(here, uid, 'must not be empty');
      else if (seen.has(uid)) errors.duplicate(here, uid);
      else seen.add(uid);
    });
  }
}

function checkOutcome({ status, fields, conditions }: Change, errors: FieldErrors): void {
  const complete = isTrue(status, 'Complete');
  const contradiction = (why: string) => invalidUnshown(`${at}.conditions`, why, errors);
  if (complete && conditions('Complete', 'Failed') && isTrue(status, 'Failed')) {
    contradiction('cannot set Complete=True and Failed=true conditions');
  }
  if (complete && conditions('Complete', 'FailureTarget') && isTrue(status, 'FailureTarget')) {
    contradiction('cannot set Complete=True and FailureTarget=true conditions');
  }
  const { completionTime, startTime } = status;
  const touched = conditions('Complete') || fields('completionTime');
  if (touched && completionTime !== undefined && !complete) {
    errors.invalid(
      `${at}.completionTime`,
      completionTime,
      'cannot set completionTime when there is no Complete=True condition',
    );
  }
  if (touched && complete && completionTime === undefined) {
    errors.required(`${at}.completionTime`, 'completionTime is required for Complete jobs');
  }
  if (fields('completionTime', 'startTime') && completionTime && startTime && completionTime < startTime) {
    errors.invalid(`${at}.completionTime`, completionTime, 'completionTime cannot be set before startTime');
  }
  if (conditions('Failed', 'FailureTarget') && isTrue(status, 'Failed') && !isTrue(status, 'FailureTarget')) {
    contradiction('cannot set Failed=True condition without the FailureTarget=true condition');
  }
  if (conditions('Complete', 'SuccessCriteriaMet') && complete && !isTrue(status, 'SuccessCriteriaMet')) {
    contradiction('cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  }
}

function checkFinished({ status, fields, finished }: Change, errors: FieldErrors): void {
  if (!isFinished(status)) return;
  if ((finished || fields('active')) && (status.active ?? 0) > 0) {
    errors.invalid(`${at}.active`, status.active, 'active>0 is invalid for finished job');
  }
  if ((finished || fields('terminating')) && (status.terminating ?? 0) > 0) {
    errors.invalid(`${at}.terminating`, status.terminating, 'terminating>0 is invalid for finished job');
  }
  if ((finished || fields('startTime')) && status.startTime === undefined) {
    errors.required(`${at}.startTime`, 'startTime is required for finished job');
  }
  const uncounted = status.uncountedTerminatedPods;
  const some = (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0) > 0;
  if ((finished || fields('uncountedTerminatedPods')) && some) {
    const shown = goValue('io.k8s.api.batch.v1.UncountedTerminatedPods', uncounted);
    errors.invalid(
      `${at}.uncountedTerminatedPods`,
      shown,
      'uncountedTerminatedPods needs to be empty for finished job',
    );
  }
}

function checkIndexes({ job, status, fields }: Change, errors: FieldErrors): void {
  const { completions, completionMode, backoffLimitPerIndex } = job.spec;
  for (const field of ['completedIndexes', 'failedIndexes'] as const) {
    const text = status[field];
    if (completions === undefined || text === undefined || !fields(field)) continue;
    if (field === 'failedIndexes' && backoffLimitPerIndex === undefined) continue;
    const counted = countIndexes(text, completions);
    if (typeof counted === 'string') errors.invalid(`${at}.${field}`, text, `error parsing ${field}: ${counted}`);
  }
  if (fields('completedIndexes') && status.completedIndexes && completionMode !== 'Indexed') {
    const why = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    errors.invalid(`${at}.completedIndexes`, status.completedIndexes, why);
  }
  if (fields('failedIndexes') && status.failedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    const why = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    errors.invalid(`${at}.failedIndexes`, status.failedIndexes, why);
  }
  if (fields('failedIndexes', 'completedIndexes') && status.failedIndexes !== undefined) {
    const shared = firstShared(status.completedIndexes ?? '', status.failedIndexes, completions ?? 0);
    if (shared !== undefined) {
      const why = `failedIndexes and completedIndexes overlap at index: ${shared}`;
      errors.invalid(`${at}.failedIndexes`, status.failedIndexes, why);
    }
  }
}

function checkCriteria(status: Status, errors: FieldErrors): void {
  if (!isTrue(status, 'SuccessCriteriaMet')) return;
  for (const type of ['Failed', 'FailureTarget']) {
    if (isTrue(status, type)) {
      invalidUnshown(`${at}.conditions`, `cannot set ${type}=True and SuccessCriteriaMet=true conditions`, errors);
    }
  }
}

function checkNothingTakenBack({ job, status, old, fields }: Change, errors: FieldErrors): void {
  for (const type of ['Complete', 'Failed', 'SuccessCriteriaMet', 'FailureTarget']) {
    if (isTrue(old, type) && !isTrue(status, type)) {
      invalidUnshown(`${at}.conditions`, `cannot disable the terminal ${type}=True condition`, errors);
    }
  }
  for (const field of ['failed', 'succeeded'] as const) {
    const elastic = field === 'succeeded' && job.spec.completionMode === 'Indexed';
    if (!elastic && (status[field] ?? 0) < (old[field] ?? 0)) {
      errors.invalid(`${at}.${field}`, status[field] ?? 0, `cannot decrease the ${field} counter`);
    }
  }
  if (old.completionTime !== undefined && fields('completionTime')) {
    errors.invalid(`${at}.completionTime`, status.completionTime ?? null, 'field is immutable');
  }
  if (old.startTime !== undefined && fields('startTime') && !job.spec.suspend) {
    errors.required(`${at}.startTime`, 'startTime cannot be removed for unsuspended job');
  }
}

import {
  type Client,
  type Clock,
  type Controller,
  CronJob,
  type CronSchedule,
  CronScheduleError,
  controllerOf,
  type EventRecorder,
  formatTimestamp,
  type Informer,
  type Informers,
  isStatusError,
  isTimeZone,
  Job,
  type NewObject,
  type ObjectKey,
  type ObjectReference,
  ownerReferenceTo,
  type ReconcileContext,
  type ReconcileResult,
  semanticEqual,
  wallClock,
  watch,
} from '@keelson/core';
import { addOwnerIndexes, controlledBy, isNamespaceTerminating, messageOf } from '../pod-control/index.ts';
import { type ActiveJobs, cronJobStatus, finishedAs, referenceTo, reviewJobs, surplusHistory } from './active-jobs.ts';
import { recentStart, scheduleOf, untilNextStart } from './schedule-times.ts';

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

type State = Pick<ActiveJobs, 'active' | 'lastSuccessfulTime'> & { readonly lastScheduleTime: string | undefined };

/** Starts a Job whenever a CronJob's schedule says so, and clears old ones away. */
export class CronJobController implements Controller {
  readonly name = 'cronjob';
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #recorder: EventRecorder;
  readonly #cronJobs: Informer<CronJob>;
  readonly #jobs: Informer<Job>;

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#recorder = recorder.as('cronjob-controller');
    this.#cronJobs = informers.for(CronJob);
    this.#jobs = informers.for(Job);
    addOwnerIndexes(this.#jobs);
    this.watches = [watch(this.#cronJobs).self(), watch(this.#jobs).owner(CronJob)];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const cached = this.#cronJobs.lister.get(key);
    if (cached === undefined) return undefined;
    const jobs = controlledBy(this.#jobs.lister, cached.metadata.uid ?? '');
    const cronJob = await this.#freshIfBehind(cached, jobs, signal);
    const review = reviewJobs(cronJob, jobs);
    for (const { kind, reason, message } of review.events)
      this.#recorder.event(CronJob, cronJob, kind, reason, message);
    let state: State = { ...review, lastScheduleTime: cronJob.status?.lastScheduleTime };
    state = await this.#dropMissing(cronJob, state, review.unknown, signal);
    let requeue: ReconcileResult;
    if (cronJob.metadata.deletionTimestamp === undefined) {
      const outcome = await this.#start(cronJob, state, signal);
      requeue = outcome.requeue;
      state = outcome.state;
    }
    state = await this.#clearHistory(cronJob, state, jobs, signal);
    const status = cronJobStatus(state, state.lastScheduleTime);
    if (!semanticEqual(cronJob.status ?? {}, status)) {
      await this.#client.updateStatus(CronJob, { ...cronJob, status }, { signal });
    }
    return requeue;
  }

  /** A job that runs and is not listed may be one that was started a moment ago, by a status that is not seen yet. */
  async #freshIfBehind(cronJob: CronJob, jobs: readonly Job[], signal: AbortSignal): Promise<CronJob> {
    const listed = new Set((cronJob.status?.active ?? []).map((each) => each.uid));
    if (!jobs.some((job) => !listed.has(job.metadata.uid) && finishedAs(job) === undefined)) return cronJob;
    return this.#client.get(CronJob, cronJob.metadata, { signal });
  }

  async #dropMissing(
    cronJob: CronJob,
    state: State,
    unknown: readonly ObjectReference[],
    signal: AbortSignal,
  ): Promise<State> {
    let { active } = state;
    for (const { name = '', uid } of unknown) {
      try {
        await this.#client.get(Job, { name, namespace: cronJob.metadata.namespace }, { signal });
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
        active = active.filter((each) => each.uid !== uid);
        this.#recorder.event(CronJob, cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
      }
    }
    return { ...state, active };
  }

  async #start(
    cronJob: CronJob,
    state: State,
    signal: AbortSignal,
  ): Promise<{ readonly state: State; readonly requeue: ReconcileResult }> {
    const idle = { state, requeue: undefined };
    if (cronJob.spec.suspend === true) return idle;
    const schedule = this.#readSchedule(cronJob);
    if (schedule === undefined) return idle;
    const now = this.#clock.now();
    const wait = untilNextStart(cronJob, schedule, now);
    const later = { state, requeue: wait === undefined ? undefined : { requeueAfter: wait } };
    const { due, tooMany } = recentStart(cronJob, schedule, now, true);
    if (due === undefined) return later;
    const tell = (kind: 'Normal' | 'Warning', reason: string, message: string) =>
      this.#recorder.event(CronJob, cronJob, kind, reason, message);
    if (tooMany) {
      const advice = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew';
      tell('Warning', 'TooManyMissedTimes', `too many missed start times. ${advice}`);
    }
    const deadline = cronJob.spec.startingDeadlineSeconds;
    if (deadline !== undefined && due + deadline * 1000 < now) {
      tell('Warning', 'MissSchedule', `Missed scheduled time to start a job: ${rfc1123(due)}`);
      return later;
    }
    const name = `${cronJob.metadata.name}-${Math.floor(due / 60_000)}`;
    const scheduled = formatTimestamp(due);
    if (state.active.some((each) => each.name === name) || state.lastScheduleTime === scheduled) return later;
    const { concurrencyPolicy } = cronJob.spec;
    if (concurrencyPolicy === 'Forbid' && state.active.length > 0) {
      const why = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      tell('Normal', 'JobAlreadyActive', why);
      return later;
    }
    let { active } = state;
    if (concurrencyPolicy === 'Replace') {
      for (const each of active) await this.#delete(cronJob, each.name ?? '', signal);
      active = [];
    }
    const job = await this.#create(cronJob, name, due, signal);
    if (job === undefined) return { ...later, state: { ...state, active } };
    const started: State = { ...state, active: [...active, referenceTo(job)], lastScheduleTime: scheduled };
    const after = untilNextStart({ ...cronJob, status: { lastScheduleTime: scheduled } }, schedule, now);
    return { state: started, requeue: after === undefined ? undefined : { requeueAfter: after } };
  }

  /** A schedule that cannot be read waits for somebody to mend it. */
  #readSchedule(cronJob: CronJob): CronSchedule | undefined {
    const { timeZone, schedule } = cronJob.spec;
    const warn = (reason: string, message: string) =>
      this.#recorder.event(CronJob, cronJob, 'Warning', reason, message);
    if (timeZone !== undefined && !isTimeZone(timeZone)) {
      warn('UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`);
      return undefined;
    }
    try {
      return scheduleOf(cronJob);
    } catch (error) {
      if (!(error instanceof CronScheduleError)) throw error;
      warn('UnparseableSchedule', `unparseable schedule: ${JSON.stringify(schedule)} : ${error.message}`);
      return undefined;
    }
  }

  async #create(cronJob: CronJob, name: string, due: number, signal: AbortSignal): Promise<Job | undefined> {
    try {
      const job = await this.#client.create(Job, newJob(cronJob, name, due), { signal });
      this.#recorder.event(CronJob, cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
      return job;
    } catch (error) {
      if (signal.aborted || isNamespaceTerminating(error)) return undefined;
      if (isStatusError(error, 'AlreadyExists')) {
        // Created before, and the status was not written any more.
        const job = await this.#client.get(Job, { name, namespace: cronJob.metadata.namespace }, { signal });
        return controllerOf(job)?.uid === cronJob.metadata.uid ? job : undefined;
      }
      this.#recorder.event(CronJob, cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
      throw error;
    }
  }

  async #clearHistory(cronJob: CronJob, state: State, jobs: readonly Job[], signal: AbortSignal): Promise<State> {
    let { active } = state;
    for (const { metadata } of surplusHistory(cronJob, jobs)) {
      if (metadata.deletionTimestamp !== undefined) continue;
      await this.#delete(cronJob, metadata.name, signal);
      active = active.filter((each) => each.uid !== metadata.uid);
    }
    return { ...state, active };
  }

  async #delete(cronJob: CronJob, name: string, signal: AbortSignal): Promise<void> {
    const key = { name, namespace: cronJob.metadata.namespace };
    try {
      await this.#client.delete(Job, key, { propagationPolicy: 'Background', signal });
      this.#recorder.event(CronJob, cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return;
      this.#recorder.event(CronJob, cronJob, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`);
      throw error;
    }
  }
}

function newJob(cronJob: CronJob, name: string, due: number): NewObject<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  const scheduled = wallClock(cronJob.spec.timeZone ?? 'UTC').format(due);
  return {
    metadata: {
      name,
      namespace: cronJob.metadata.namespace,
      ...(metadata?.labels && { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [scheduledAnnotation]: scheduled },
      ownerReferences: [ownerReferenceTo(cronJob, CronJob)],
    },
    spec: spec ?? { template: {} },
  };
}

/** `Mon, 02 Jan 2006 15:04:05 +0000` */
function rfc1123(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}

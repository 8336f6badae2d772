import { type CronJob, type CronJobStatus, Job, type ObjectReference } from '@keelson/core';

export interface JobEvent {
  readonly kind: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface ActiveJobs {
  readonly active: readonly ObjectReference[];
  readonly lastSuccessfulTime: string | undefined;
  readonly events: readonly JobEvent[];
  /** Names in the list of jobs that the cache does not know: only the API can tell whether they are gone. */
  readonly unknown: readonly ObjectReference[];
}

export function finishedAs({ status }: Job): 'Complete' | 'Failed' | undefined {
  for (const type of ['Complete', 'Failed'] as const) {
    if (status?.conditions?.some((each) => each.type === type && each.status === 'True')) return type;
  }
  return undefined;
}

/** Brings the list of running jobs up to date with the jobs that are there. */
export function reviewJobs({ status }: CronJob, jobs: readonly Job[]): ActiveJobs {
  const events: JobEvent[] = [];
  let active = status?.active ?? [];
  let lastSuccessfulTime = status?.lastSuccessfulTime;
  for (const job of jobs) {
    const listed = active.some((each) => each.uid === job.metadata.uid);
    const finished = finishedAs(job);
    if (!listed && finished === undefined) {
      const message = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`;
      events.push({ kind: 'Warning', reason: 'UnexpectedJob', message });
    }
    if (listed && finished !== undefined) {
      active = active.filter((each) => each.uid !== job.metadata.uid);
      const message = `Saw completed job: ${job.metadata.name}, condition: ${finished}`;
      events.push({ kind: 'Normal', reason: 'SawCompletedJob', message });
    }
    const ended = finished === 'Complete' ? job.status?.completionTime : undefined;
    if (ended !== undefined && Date.parse(ended) > Date.parse(lastSuccessfulTime ?? '1970-01-01T00:00:00Z')) {
      lastSuccessfulTime = ended;
    }
  }
  const known = new Set(jobs.map(({ metadata }) => metadata.uid));
  return { active, lastSuccessfulTime, events, unknown: active.filter((each) => !known.has(each.uid)) };
}

/** The finished jobs that are more than the history should hold: the oldest. */
export function surplusHistory({ spec }: CronJob, jobs: readonly Job[]): readonly Job[] {
  const limits = { Complete: spec.successfulJobsHistoryLimit, Failed: spec.failedJobsHistoryLimit } as const;
  return (['Complete', 'Failed'] as const).flatMap((type) => {
    const limit = limits[type];
    if (limit === undefined) return [];
    const finished = jobs.filter((job) => finishedAs(job) === type).sort(byStart);
    return finished.slice(0, Math.max(0, finished.length - limit));
  });
}

function byStart(a: Job, b: Job): number {
  const [first, second] = [a, b].map(({ status }) => (status?.startTime ? Date.parse(status.startTime) : Infinity));
  if (first === second) return a.metadata.name < b.metadata.name ? -1 : 1;
  return Number(first) - Number(second);
}

export function referenceTo(job: Job): ObjectReference {
  const { namespace, name, uid, resourceVersion } = job.metadata;
  return { kind: Job.kind, apiVersion: 'batch/v1', namespace, name, uid, resourceVersion };
}

export function cronJobStatus(
  { active, lastSuccessfulTime }: Pick<ActiveJobs, 'active' | 'lastSuccessfulTime'>,
  lastScheduleTime: string | undefined,
): CronJobStatus {
  return {
    ...(active.length > 0 && { active }),
    ...(lastScheduleTime !== undefined && { lastScheduleTime }),
    ...(lastSuccessfulTime !== undefined && { lastSuccessfulTime }),
  };
}

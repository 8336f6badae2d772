import { type CronJob, type CronSchedule, parseCronSchedule } from '@keelson/core';

/** So many missed starts in a row are told of. */
const many = 100;
/** A start is looked for a little after it is due, so that a clock that runs slow does not find it in the future. */
const deltaMs = 100;

export interface RecentStart {
  /** The start that is due, in milliseconds since the epoch; undefined if none is. */
  readonly due: number | undefined;
  readonly tooMany: boolean;
  /** From when on starts were looked for. */
  readonly since: number;
}

/** @throws CronScheduleError */
export function scheduleOf({ spec }: CronJob): CronSchedule {
  return parseCronSchedule(spec.schedule, spec.timeZone);
}

/**
 * The latest start that should have been by `now`. Looked for from the last one on, or from the creation; not further
 * back than `startingDeadlineSeconds`, where that counts.
 */
export function recentStart(
  cronJob: CronJob,
  schedule: CronSchedule,
  now: number,
  deadlineCounts: boolean,
): RecentStart {
  const { metadata, spec, status } = cronJob;
  let since = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? '');
  if (deadlineCounts && spec.startingDeadlineSeconds !== undefined) {
    since = Math.max(since, now - spec.startingDeadlineSeconds * 1000);
  }
  const first = schedule.next(since);
  if (first === undefined || now < first) return { due: undefined, tooMany: false, since };
  const second = schedule.next(first);
  if (second === undefined || now < second) return { due: first, tooMany: false, since };
  const interval = Math.max(1000, second - first);
  const missed = Math.floor((now - first) / interval) + 1;
  // From a little before the end, however long nobody has looked; an irregular schedule has fewer starts than estimated.
  let due = first;
  for (const from of [first + (missed - 2) * interval, first]) {
    let at = schedule.next(Math.max(from, first));
    if (at === undefined || at > now) continue;
    for (; at !== undefined && at <= now; at = schedule.next(at)) due = at;
    break;
  }
  return { due, tooMany: missed > many, since };
}

/** Milliseconds until the next start; undefined if there is none. */
export function untilNextStart(cronJob: CronJob, schedule: CronSchedule, now: number): number | undefined {
  const { due, since } = recentStart(cronJob, schedule, now, false);
  const next = schedule.next(due ?? since);
  return next === undefined ? undefined : Math.max(0, next + deltaMs - now);
}

import { type CronJob, parseCronSchedule } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { recentStart, untilNextStart } from './schedule-times.ts';

const cronJob = (status: CronJob['status'] = {}, more: Partial<CronJob['spec']> = {}): CronJob => ({
  metadata: { name: 'x', creationTimestamp: '2026-01-01T00:00:30Z' },
  spec: { schedule: '*/5 * * * *', jobTemplate: {}, ...more },
  status,
});
const at = (text: string) => Date.parse(`2026-01-01T${text}Z`);
const schedule = parseCronSchedule('*/5 * * * *');

describe('starts of a CronJob', () => {
  it('is due once its time has come', () => {
    expect(recentStart(cronJob(), schedule, at('00:04:59'), true).due).toBeUndefined();
    expect(recentStart(cronJob(), schedule, at('00:05:00'), true).due).toBe(at('00:05:00'));
    expect(untilNextStart(cronJob(), schedule, at('00:04:59'))).toBe(1100);
  });

  it('takes only the latest of those missed, and tells of very many', () => {
    expect(recentStart(cronJob(), schedule, at('00:21:00'), true)).toMatchObject({
      due: at('00:20:00'),
      tooMany: false,
    });
    expect(recentStart(cronJob(), schedule, at('12:01:00'), true)).toMatchObject({
      due: at('12:00:00'),
      tooMany: true,
    });
    expect(untilNextStart(cronJob(), schedule, at('12:01:00'))).toBe(4 * 60_000 + 100);
  });

  it('looks no further back than the deadline, and not before the last start', () => {
    const strict = cronJob({}, { startingDeadlineSeconds: 30 });
    expect(recentStart(strict, schedule, at('00:21:00'), true).due).toBeUndefined();
    const done = cronJob({ lastScheduleTime: '2026-01-01T00:20:00Z' });
    expect(recentStart(done, schedule, at('00:21:00'), true).due).toBeUndefined();
  });

  it('finds the latest of an irregular schedule', () => {
    const irregular = parseCronSchedule('0,1,30 * * * *');
    expect(recentStart(cronJob(), irregular, at('05:31:00'), true).due).toBe(at('05:30:00'));
  });
});

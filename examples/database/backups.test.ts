import type { Job } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { dueAt, newestFirst, type Reason, reasonLabel } from './backups.ts';
import type { Database } from './database.ts';

const minute = 60_000;
const at = (minutes: number) => new Date(minutes * minute).toISOString();

const database: Database = {
  metadata: { name: 'shop', namespace: 'default', creationTimestamp: at(0) },
  spec: {
    version: '11.8',
    storage: '1Gi',
    deletionPolicy: 'Retain',
    backup: { schedule: '@every 10m', claim: 'backups', keep: 3 },
  },
};

function job(number: number, reason: Reason, minutes: number, end?: 'Complete' | 'Failed'): Job {
  const labels = { [reasonLabel]: reason, 'examples.keelson.dev/backup': `${number}` };
  const metadata = { name: `shop-backup-${number}`, labels, creationTimestamp: at(minutes) };
  const conditions = end ? [{ type: end, status: 'True' as const }] : [];
  return { metadata, spec: { template: { spec: { containers: [] } } }, status: { conditions } };
}

describe('a backup is due', () => {
  it.each<readonly [string, readonly Job[], Reason, number | undefined]>([
    ['by the schedule, from when the database was made', [], 'Schedule', 10],
    ['by the schedule, from when the last one began', [job(2, 'Schedule', 25, 'Complete')], 'Schedule', 35],
    ['by the schedule, though the last one failed', [job(2, 'Schedule', 25, 'Failed')], 'Schedule', 35],
    ['not while one runs', [job(2, 'Schedule', 25)], 'Schedule', undefined],
    ['not while one runs, though the database goes', [job(2, 'Schedule', 25)], 'Deletion', undefined],
    ['at once where the database goes', [job(2, 'Schedule', 25, 'Complete')], 'Deletion', 0],
    ['at once where the database goes and never had one', [], 'Deletion', 0],
    ['not after the last one of all', [job(3, 'Deletion', 25, 'Complete')], 'Deletion', undefined],
    ['a minute after the last one of all began, if that failed', [job(3, 'Deletion', 25, 'Failed')], 'Deletion', 26],
  ])('%s', (_, jobs, reason, minutes) => {
    const due = dueAt(database, jobs, reason);
    expect(due === undefined ? undefined : due / minute).toBe(minutes);
  });

  it('never where none are wanted', () => {
    const { backup: _, ...spec } = database.spec;
    expect(dueAt({ ...database, spec }, [], 'Schedule')).toBeUndefined();
  });
});

it('knows the newest by their numbers, not by their names', () => {
  const jobs = [9, 10, 2].map((number) => job(number, 'Schedule', 1, 'Complete'));
  expect(newestFirst(jobs).map(({ metadata }) => metadata.name)).toEqual([
    'shop-backup-10',
    'shop-backup-9',
    'shop-backup-2',
  ]);
});

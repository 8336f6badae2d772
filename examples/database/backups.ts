import {
  type ChildObject,
  isConditionTrue,
  isStatusError,
  Job,
  type OperatorContext,
  parseCronSchedule,
  type StatusError,
} from '@keelson/core';
import type { Database } from './database.ts';
import { imageOf, labelsOf, passwordFrom } from './server.ts';

/** Why a backup is made; the last one of all is made because the database goes. */
export type Reason = 'Schedule' | 'Deletion';

export const reasonLabel = 'examples.keelson.dev/reason';
const numberLabel = 'examples.keelson.dev/backup';

const numberOf = (job: Job) => Number(job.metadata.labels?.[numberLabel]);
const reasonOf = (job: Job) => job.metadata.labels?.[reasonLabel];
const startOf = ({ metadata }: Job | Database) => Date.parse(metadata.creationTimestamp ?? '');
const succeeded = ({ status }: Job) => isConditionTrue(status?.conditions, 'Complete');
export const isFinished = (job: Job) => succeeded(job) || isConditionTrue(job.status?.conditions, 'Failed');

/** The database's backups, the newest first. */
export const newestFirst = (jobs: readonly Job[]) =>
  jobs.filter((each) => reasonOf(each) !== undefined).toSorted((a, b) => numberOf(b) - numberOf(a));

const retryMs = 60_000;

/** When to start a backup, in milliseconds since the epoch; `undefined`: not at all. */
export function dueAt(database: Database, backups: readonly Job[], reason: Reason): number | undefined {
  const [newest] = backups;
  if (!database.spec.backup || (newest && !isFinished(newest))) return undefined;
  if (reason === 'Schedule') return parseCronSchedule(database.spec.backup.schedule).next(startOf(newest ?? database));
  if (!newest || reasonOf(newest) !== 'Deletion') return 0;
  return succeeded(newest) ? undefined : startOf(newest) + retryMs;
}

/**
 * Starts a backup when it is due, and keeps the newest ones. There are never two at once, however old a view of them this
 * has: they are numbered, number seven follows when six is seen to have ended, and there is only one Job of a name.
 * @returns whether all is done, and when there is more to do
 */
export async function backUp(
  database: Database,
  reason: Reason,
  { apply, children, remove, event, clock, setStatus, setCondition }: OperatorContext<Database, typeof Job>,
): Promise<{ readonly done: boolean; readonly requeueAfter?: number }> {
  const backups = newestFirst(children(Job));
  const finished = backups.filter(isFinished);
  for (const old of finished.slice(database.spec.backup?.keep ?? 0)) await remove(Job, old.metadata.name);
  const [ended] = finished;
  const good = finished.find(succeeded)?.status?.completionTime;
  if (good) setStatus({ lastBackupTime: good });
  if (!ended) setCondition('BackedUp', false, 'Never');
  else setCondition('BackedUp', succeeded(ended), succeeded(ended) ? 'Succeeded' : 'Failed', ended.metadata.name);

  const due = dueAt(database, backups, reason);
  const [newest] = backups;
  if (due === undefined) return { done: !newest || isFinished(newest) };
  if (due > clock.now()) return { done: false, requeueAfter: due - clock.now() };
  const job = backupJob(database, newest ? numberOf(newest) + 1 : 1, reason);
  try {
    await apply(Job, job);
  } catch (error) {
    // In a namespace that goes nothing can be made any more, and nothing must keep it.
    if (isStatusError(error, 'Forbidden') && hasCause(error, 'NamespaceTerminating')) return { done: true };
    throw error;
  }
  event('Normal', 'BackupStarted', `Job ${job.metadata?.name}`);
  return { done: false };
}

const hasCause = ({ status }: StatusError, reason: string) =>
  status.details?.causes?.some((each) => each.reason === reason) ?? false;

function backupJob(database: Database, number: number, reason: Reason): ChildObject<Job> {
  const { name } = database.metadata;
  const labels = { ...labelsOf(database), [numberLabel]: `${number}`, [reasonLabel]: reason };
  const container = {
    name: 'backup',
    image: imageOf(database),
    command: ['sh', '-c', `mariadb-dump --all-databases --host=${name} --result-file=/backups/$HOSTNAME.sql`],
    env: [{ name: 'MYSQL_PWD', valueFrom: passwordFrom(database) }],
    volumeMounts: [{ name: 'backups', mountPath: '/backups', subPath: name }],
  };
  const volumes = [{ name: 'backups', persistentVolumeClaim: { claimName: database.spec.backup?.claim ?? '' } }];
  const template = {
    // A Job's template cannot be changed, so one that was started for one reason is not taken for another.
    metadata: { labels: { [reasonLabel]: reason } },
    spec: { restartPolicy: 'Never', containers: [container], volumes },
  } as const;
  return {
    metadata: { name: `${name}-backup-${number}`, labels },
    spec: { backoffLimit: 2, activeDeadlineSeconds: 3_600, template },
  };
}

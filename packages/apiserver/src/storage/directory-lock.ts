import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageOpenError } from './contract.ts';

const lockName = 'lock';

/** The one process that may write in a directory. */
export interface DirectoryLock {
  release(): Promise<void>;
}

let taken = 0;

/**
 * Takes the directory for this process. The lock names a process by id and start time, so one that a crash or a reboot
 * left behind is recognised. Rejects with `StorageOpenError` `locked`.
 */
export async function lockDirectory(dir: string): Promise<DirectoryLock> {
  const path = join(dir, lockName);
  const own = join(dir, `${lockName}.${process.pid}.${taken++}`);
  const content = `${process.pid} ${(await startTime(process.pid)) ?? '-'} ${taken}\n`;
  await writeFile(own, content, { mode: 0o600 });
  try {
    for (;;) {
      // A link appears whole or not at all, and never over another.
      if (await succeeds(link(own, path), 'EEXIST')) break;
      await removeIfStale(dir, path);
    }
  } finally {
    await rm(own, { force: true });
  }
  return {
    async release() {
      if ((await readIfThere(path)) === content) await rm(path, { force: true });
    },
  };
}

async function removeIfStale(dir: string, path: string): Promise<void> {
  const found = await readIfThere(path);
  if (found === undefined) return;
  const [pid = '', started] = found.trim().split(' ');
  if (await isRunning(Number(pid), started)) {
    throw new StorageOpenError(
      'locked',
      `${dir} is in use by process ${pid}: stop that one first, or choose another data directory`,
    );
  }
  const aside = `${path}.stale.${process.pid}.${taken++}`;
  if (!(await succeeds(rename(path, aside), 'ENOENT'))) return;
  // Another process may have been quicker, and what was moved aside is its fresh lock: give it back.
  if ((await readIfThere(aside)) !== found) await succeeds(link(aside, path), 'EEXIST');
  await rm(aside, { force: true });
}

async function isRunning(pid: number, started: string | undefined): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if (!hasCode(error, 'EPERM')) return false;
  }
  const now = await startTime(pid);
  return now === undefined || started === undefined || started === '-' || now === started;
}

/** Clock ticks from boot to the start of a process (proc(5), field 22 of stat); undefined where there is no /proc. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  // The second field, the command in parentheses, may hold spaces itself.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined;
    throw error;
  }
}

async function succeeds(action: Promise<unknown>, expected: string): Promise<boolean> {
  try {
    await action;
    return true;
  } catch (error) {
    if (hasCode(error, expected)) return false;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

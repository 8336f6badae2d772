import { readdir, readFile, readlink } from 'node:fs/promises';
import { processStat } from '../model/process-identity.ts';
import type { CgroupUsage } from './cgroups.ts';

const pageBytes = 4096;
const tickNanoseconds = 1e7;

/**
 * What the processes of a container use, counted one by one where there are no control groups: those of its pid namespace,
 * or of its session where it has none.
 */
export async function processUsage(initPid: number, ownPids: boolean): Promise<CgroupUsage> {
  const wanted = await group(initPid, ownPids);
  let cpuNanoseconds = 0;
  let memory = 0;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || wanted === undefined) continue;
    const pid = Number(name);
    if ((await group(pid, ownPids)) !== wanted) continue;
    const stat = await processStat(pid);
    if (stat === undefined) continue;
    cpuNanoseconds += Math.max(stat.cpuTicks * tickNanoseconds, await scheduled(pid));
    memory += stat.residentPages * pageBytes;
  }
  return { cpuNanoseconds, memoryUsage: memory, memoryWorkingSet: memory };
}

async function group(pid: number, ownPids: boolean): Promise<string | undefined> {
  try {
    if (ownPids) return await readlink(`/proc/${pid}/ns/pid`);
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[3];
  } catch (error) {
    return gone(error);
  }
}

/** Nanoseconds on a processor, finer than ticks: the first number of schedstat. */
async function scheduled(pid: number): Promise<number> {
  try {
    return Number((await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ')[0]);
  } catch (error) {
    gone(error);
    return 0;
  }
}

function gone(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined;
  throw error;
}

import { readFile } from 'node:fs/promises';

/** One process, told from a later one with the same number by its start. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of `/proc/<pid>/stat` (proc(5)). */
  readonly startTicks: number;
}

/** Undefined where there is no such process, or it is a zombie. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const fields = await processStat(pid);
  if (fields === undefined || fields.state === 'Z' || fields.state === 'X') return undefined;
  return { pid, startTicks: fields.startTicks };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startTicks === identity.startTicks;
}

export interface ProcessStat {
  readonly state: string;
  readonly parent: number;
  readonly startTicks: number;
  /** User and system time, in clock ticks of 10 ms. */
  readonly cpuTicks: number;
  readonly residentPages: number;
}

export async function processStat(pid: number): Promise<ProcessStat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  // The name in parentheses may hold anything, also parentheses.
  const [state = '', parent, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state,
    parent: Number(parent),
    cpuTicks: Number(rest[9]) + Number(rest[10]),
    startTicks: Number(rest[17]),
    residentPages: Number(rest[19]),
  };
}

/** Sends a signal; a process that is gone already is fine. Negative numbers mean process groups. */
export function sendSignal(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

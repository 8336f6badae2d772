import { readFileSync } from 'node:fs';
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
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(absent);
  return text === undefined ? undefined : parseStat(text);
}

/** `identify` at this very moment: nothing else has happened when it is known. */
export function identifyNow(pid: number): ProcessIdentity | undefined {
  const fields = statNow(pid);
  return fields === undefined ? undefined : { pid, startTicks: fields.startTicks };
}

/**
 * Sends a signal to this process and to no other: numbers are given again to others, soon where there are only 32,768 of
 * them. False where it is gone.
 */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals | number): boolean {
  return statNow(identity.pid)?.startTicks === identity.startTicks && sendSignal(identity.pid, signal);
}

/**
 * Sends a signal to the process group that this process leads or has led: its number stays taken while anything is left in
 * the group. False where nothing is, or the number is another's by now.
 */
export function signalGroup(identity: ProcessIdentity, signal: NodeJS.Signals | number): boolean {
  const now = statNow(identity.pid);
  return (now === undefined || now.startTicks === identity.startTicks) && sendSignal(-identity.pid, signal);
}

function statNow(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    return absent(error);
  }
}

/** To whoever has this number now (negative: to a group). False where there is nobody. */
export function sendSignal(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

function parseStat(text: string): ProcessStat {
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

function absent(error: unknown): undefined {
  const code = codeOf(error);
  if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

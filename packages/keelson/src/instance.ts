import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from './user-error.ts';

const instanceSchema = z.object({
  pid: z.int().positive(),
  /** Start time of the process in clock ticks since boot (proc(5), stat field 22), so that a reused pid is not taken for us. */
  startTicks: z.string(),
  url: z.string(),
  kubeconfig: z.string(),
  runtime: z.string(),
  network: z.string(),
  nodes: z.int(),
  startedAt: z.string(),
});

/** What a running cluster leaves in its data directory for `keelson status`, `down` and `kubeconfig`. */
export type Instance = z.output<typeof instanceSchema>;

const file = (dataDir: string) => join(dataDir, 'instance.json');

/** Undefined where none was written; throws `UserError` if what stands there cannot be read. */
export function readInstance(dataDir: string): (Instance & { readonly alive: boolean }) | undefined {
  let text: string;
  try {
    text = readFileSync(file(dataDir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(`cannot read ${file(dataDir)}: ${(error as Error).message}`);
  }
  const parsed = instanceSchema.safeParse(safeJson(text));
  if (!parsed.success) throw new UserError(`${file(dataDir)} is damaged; remove it if no Keelson runs there`);
  return { ...parsed.data, alive: startTicks(parsed.data.pid) === parsed.data.startTicks };
}

export function writeInstance(dataDir: string, instance: Omit<Instance, 'pid' | 'startTicks'>): void {
  const whole: Instance = { pid: process.pid, startTicks: startTicks(process.pid) ?? '', ...instance };
  const temporary = `${file(dataDir)}.new`;
  writeFileSync(temporary, `${JSON.stringify(whole, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file(dataDir));
}

export function removeInstance(dataDir: string): void {
  rmSync(file(dataDir), { force: true });
}

/** Undefined when there is no such process (or it is a zombie). Where there is no /proc, falls back on the pid alone. */
export function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    if (process.platform === 'linux') return undefined;
    try {
      process.kill(pid, 0);
      return 'unknown';
    } catch {
      return undefined;
    }
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { spawn } from 'node:child_process';
import { CniError } from '@keelson/core/cni';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest output kept of one command, in bytes; more ends it. */
const maxOutput = 4 << 20;

/** Runs a program to its end with `input` on its standard input. Rejects when it cannot be started or the signal aborts. */
export function run(
  program: string,
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      signal: options.signal,
      env: options.env ?? process.env,
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        output[name] += chunk;
        if (output[name].length > maxOutput) child.kill('SIGKILL');
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, ...output }));
    // A program that does not read its input closes the pipe early; its exit code tells the rest.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error);
    });
    child.stdin.end(options.input ?? '');
  });
}

/** Runs a program that must succeed. Rejects with `CniError` 5 (I/O failure) and what it printed. */
export async function must(
  program: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<string> {
  const result = await run(program, args, options);
  if (result.code !== 0)
    throw new CniError(5, `${program} ${args.join(' ')}: ${result.stderr.trim() || `exit code ${result.code}`}`);
  return result.stdout;
}

/** First of the directories of PATH (and the usual system ones) that holds the program. */
export async function findProgram(name: string): Promise<string | undefined> {
  const { access, constants } = await import('node:fs/promises');
  for (const dir of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin']) {
    if (dir === '') continue;
    try {
      await access(`${dir}/${name}`, constants.X_OK);
      return `${dir}/${name}`;
    } catch (error) {
      if (!['ENOENT', 'EACCES', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return undefined;
}

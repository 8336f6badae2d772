import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '../model/command.ts';
import { identify, type ProcessIdentity } from '../model/process-identity.ts';
import { enterScript, initScript, type ScriptContext, shimScript } from './container-script.ts';
import type { ContainerSpec } from './container-spec.ts';
import { readReport, reportStream } from './report.ts';

export type Launched =
  | { readonly started: true; readonly shim: ProcessIdentity | undefined; readonly init: ProcessIdentity | undefined }
  | { readonly started: false; readonly message: string };

/** The environment of the scripts themselves; the container's own comes last, from inside of it. */
const scriptEnvironment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/**
 * Starts a container's shim, and resolves when the container's program has taken over, or why it has not. The shim, in a
 * session of its own, outlives this process and leaves the exit code in `exit`.
 */
export async function launch(spec: ContainerSpec, context: ScriptContext): Promise<Launched> {
  const { dir } = context;
  await mkdir(join(dir, 'root'), { recursive: true });
  await Promise.all([
    writeFile(join(dir, 'shim.sh'), shimScript(spec, context)),
    writeFile(join(dir, 'enter.sh'), enterScript(spec, context)),
    writeFile(join(dir, 'init.sh'), initScript(spec, context)),
    ...['stdout', 'stderr', 'setup.log'].map((name) => writeFile(join(dir, name), '', { flag: 'a' })),
  ]);
  if (spec.stdin && !existsSync(join(dir, 'stdin'))) await must('mkfifo', ['-m', '600', join(dir, 'stdin')]);
  const log = await open(join(dir, 'setup.log'), 'a');
  try {
    const child = spawn('/bin/sh', [join(dir, 'shim.sh')], {
      detached: true,
      stdio: ['ignore', 'ignore', log.fd, 'pipe'],
      env: scriptEnvironment,
      cwd: dir,
    });
    const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
    const report = await Promise.race([readReport(reportStream(child.stdio)), failed]);
    child.unref();
    if (!report.ok) return { started: false, message: await failure(dir, report.error) };
    const [shim, init] = await Promise.all(
      [child.pid, report.pid].map((pid) => (pid === undefined ? undefined : identify(pid))),
    );
    return { started: true, shim, init };
  } finally {
    await log.close();
  }
}

/** What the set-up's own words, and what its commands printed, say about a failure. */
async function failure(dir: string, error: string | undefined): Promise<string> {
  const printed = (await readFile(join(dir, 'setup.log'), 'utf8')).trim().split('\n').slice(-3).join('; ');
  if (error === undefined) return `the container cannot be set up: ${printed || 'no reason was given'}`;
  return error.startsWith('exec:') || printed === '' ? error : `${error}: ${printed}`;
}

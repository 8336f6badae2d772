import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createCluster } from '../cluster.ts';
import { createLogger } from '../logger.ts';
import { Progress } from '../progress.ts';
import { runUntilSignal } from '../run-until-signal.ts';
import { UserError } from '../user-error.ts';
import { type ClusterFlags, resolveConfig } from './cluster-options.ts';

const readyMessage = z.object({ ready: z.literal(true), lines: z.array(z.string()) });
const failedMessage = z.object({ failed: z.string() });

/** `keelson up`: in the foreground until a signal, or with `--wait` in a process of its own. */
export async function up(flags: ClusterFlags & { readonly wait?: boolean }): Promise<void> {
  if (flags.wait) return upInBackground(flags);
  const resolved = resolveConfig(flags);
  const logger = createLogger(flags.logFormat, flags.logLevel);
  const progress = new Progress(flags.logFormat === 'json' ? undefined : process.stdout);
  try {
    const cluster = await createCluster({ ...resolved, logger, progress, kubeconfig: flags.kubeconfig });
    await runUntilSignal(cluster, progress, async () => {
      const lines = [
        `The cluster is ready: ${cluster.url}`,
        `  kubectl --kubeconfig ${cluster.kubeconfig} get nodes`,
        process.send ? '  keelson down ends it.' : '  Ctrl-C ends it.',
      ];
      if (process.send) {
        process.send({ ready: true, lines });
        process.disconnect();
      } else progress.say(lines.join('\n'));
    });
  } catch (error) {
    if (process.send && process.connected) {
      process.send({
        failed:
          error instanceof UserError
            ? error.message
            : String(error instanceof Error ? (error.stack ?? error.message) : error),
      });
      process.disconnect();
      process.exitCode = 1;
      return;
    }
    throw error;
  }
}

async function upInBackground(flags: ClusterFlags): Promise<void> {
  const { dataDir } = resolveConfig(flags);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError(
      `cannot make the data directory ${dataDir}: ${(error as Error).message}; choose another with --data-dir`,
    );
  }
  const logFile = join(dataDir, 'keelson.log');
  const log = openSync(logFile, 'a', 0o600);
  const script = process.argv[1] ?? '';
  const child = spawn(
    process.execPath,
    [...process.execArgv, script, ...process.argv.slice(2).filter((each) => each !== '--wait')],
    { detached: true, stdio: ['ignore', log, log, 'ipc'] },
  );
  closeSync(log);
  const outcome = await new Promise<{ ready: readonly string[] } | { failed: string }>((resolve) => {
    child.once('error', (error) => resolve({ failed: error.message }));
    child.once('exit', (code, signal) =>
      resolve({ failed: `it ended with ${signal ?? `exit code ${code}`}; the end of ${logFile}:\n${tail(logFile)}` }),
    );
    child.on('message', (message) => {
      const ready = readyMessage.safeParse(message);
      const failed = failedMessage.safeParse(message);
      if (ready.success) resolve({ ready: ready.data.lines });
      else if (failed.success) resolve({ failed: failed.data.failed });
    });
  });
  if ('failed' in outcome) throw new UserError(outcome.failed);
  child.unref();
  process.stdout.write(`${outcome.ready.join('\n')}\n  Its log: ${logFile}\n`);
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
}

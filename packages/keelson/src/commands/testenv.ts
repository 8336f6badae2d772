import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { quoted, writeAssets } from '../testenv/index.ts';
import { UserError } from '../user-error.ts';

export interface TestenvFlags {
  readonly dir?: string;
  readonly path?: boolean;
  readonly assets?: boolean;
}

/**
 * `keelson testenv`: what takes the place of envtest's programs. Without a command it prints where they are; with one it
 * runs it against a server, or so that each suite of it starts its own.
 */
export async function testenv(words: readonly string[], flags: TestenvFlags): Promise<void> {
  const assets = writeAssets(flags.dir);
  const [program, ...args] = words;
  if (program === undefined) {
    process.stdout.write(flags.path ? `${assets}\n` : `export KUBEBUILDER_ASSETS=${quoted(assets)}\n`);
    return;
  }
  const environment = { KUBEBUILDER_ASSETS: assets };
  process.exitCode = flags.assets
    ? await run(program, args, { ...environment, USE_EXISTING_CLUSTER: 'false' })
    : await runWithServer(program, args, environment);
}

async function runWithServer(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const { startTestApiServer } = await import('@keelson/apiserver/testing');
  const directory = mkdtempSync(join(tmpdir(), 'keelson-testenv-'));
  // As envtest has it: without controllers nobody makes the ServiceAccounts that pods would need.
  const registry = { disabledAdmission: ['ServiceAccount'] };
  const server = await startTestApiServer({ socket: true, registry });
  try {
    const kubeconfig = join(directory, 'kubeconfig');
    writeFileSync(kubeconfig, server.kubeconfig ?? '', { mode: 0o600 });
    return await run(program, args, { ...environment, KUBECONFIG: kubeconfig, USE_EXISTING_CLUSTER: 'true' });
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Resolves to its exit code, as a shell has it. */
function run(program: string, args: readonly string[], environment: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((ended, failed) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...environment } });
    // Ctrl-C in a terminal reaches the command as well: this process waits for its end.
    const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const pass = (signal: NodeJS.Signals) => void (signal !== 'SIGINT' && child.kill(signal));
    for (const each of names) process.on(each, pass);
    const done = () => {
      for (const each of names) process.off(each, pass);
    };
    child.once('error', (error) => {
      done();
      failed(new UserError(`${program} could not be run: ${error.message}`));
    });
    child.once('exit', (code, signal) => {
      done();
      ended(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ControlPlane } from './control-plane.ts';

/** What Node is given to run `keelson-controller-manager`. */
export type Program = readonly string[];

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** From the sources, without a build. */
export const fromSource: Program = [here('../run.mjs'), 'controller-manager'];

/** As it was built. */
export const asBuilt: Program = [here('../../packages/controllers/dist/run.js')];

/** As a stranger installs it: from the tarballs of its packages, in an empty folder. They must be built. */
export function installed(dir: string): Program {
  const npm = (cwd: string, ...args: readonly string[]) => execFileSync('npm', args, { cwd, stdio: 'pipe' }).toString();
  mkdirSync(dir, { recursive: true });
  const tarballs = ['core', 'controllers'].map((name) => {
    const printed = npm(here(`../../packages/${name}`), 'pack', '--silent', '--pack-destination', dir);
    return join(dir, printed.trim().split('\n').at(-1) ?? '');
  });
  const project = join(dir, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
  npm(project, 'install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...tarballs);
  return [join(project, 'node_modules/.bin/keelson-controller-manager')];
}

export interface RunningProgram {
  /** SIGTERM; resolves to the exit code, null where it had to be killed. */
  stop(): Promise<number | null>;
}

const readyMs = 90_000;
const drainMs = 30_000;

/**
 * Starts built-ins of ours alone, with the rights that their counterparts have and no others; resolves when they say that
 * they are ready.
 */
export async function startOurs(
  program: Program,
  {
    plugins,
    controlPlane,
    dir,
  }: { readonly plugins: readonly string[]; readonly controlPlane: ControlPlane; readonly dir: string },
): Promise<RunningProgram> {
  const port = await freePort();
  const user = plugins.includes('scheduler') ? 'kube-scheduler' : 'kube-controller-manager';
  const logFile = join(dir, `${plugins.join('.')}.log`);
  const log = openSync(logFile, 'w');
  const child = spawn(
    process.execPath,
    [
      ...program,
      ...plugins,
      `--kubeconfig=${controlPlane.users[user]}`,
      '--use-service-account-credentials',
      '--leader-elect',
      `--health-probe-bind-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', log, log], env: { ...process.env, NODE_ENV: 'production' } },
  );
  closeSync(log);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const over = () => child.exitCode !== null || child.signalCode !== null;
  const stop = async () => {
    if (!over()) child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), drainMs);
    const code = await exited;
    clearTimeout(hard);
    return code;
  };
  for (const until = Date.now() + readyMs; !(await answers(`http://127.0.0.1:${port}/readyz`)); ) {
    if (over() || Date.now() > until) {
      await stop();
      throw new Error(`${plugins.join(', ')} did not become ready:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
  return { stop };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    // Nobody listens yet.
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

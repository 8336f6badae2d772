import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface RunningCluster {
  readonly kubeconfig: string;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

// The suite wants two nodes that take any pod; the simulated ones are that.
const configuration = 'runtime: simulated\nnodes: 2\napi: { port: 0 }\n';
const startMs = 60_000;

/** Starts `keelson up` in `dir`; resolves once the cluster is ready. */
export async function startKeelsonCluster(dir: string, config: string | undefined): Promise<RunningCluster> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'keelson.yaml');
  writeFileSync(file, config === undefined ? configuration : readFileSync(config, 'utf8'));
  const logFile = join(dir, 'keelson.log');
  const log = openSync(logFile, 'w');
  const run = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const child = spawn(
    process.execPath,
    [run, 'keelson', 'up', '--config', file, '--data-dir', join(dir, 'data'), '--port', '0'],
    {
      stdio: ['ignore', 'pipe', log],
    },
  );
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await gone;
    clearTimeout(hard);
  };
  try {
    await new Promise<void>((resolve, reject) => {
      let seen = '';
      const late = setTimeout(
        () => reject(new Error(`the cluster is not ready after ${startMs / 1000} s:\n${seen}`)),
        startMs,
      );
      child.stdout?.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        if (!seen.includes('The cluster is ready')) return;
        clearTimeout(late);
        resolve();
      });
      child.once('exit', (code) =>
        reject(new Error(`keelson ended with ${code}:\n${seen}${readFileSync(logFile, 'utf8').slice(-2000)}`)),
      );
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { kubeconfig: join(dir, 'data/kubeconfig'), pid: child.pid, stop };
}

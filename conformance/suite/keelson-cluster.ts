import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machineAddress } from '../../packages/keelson/src/machine-address.ts';
import {
  addSimulatedNodes,
  apiServerOnly,
  type RealControlPlane,
  startRealControlPlane,
} from '../real-control-plane.ts';

export interface RunningCluster {
  readonly kubeconfig: string;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

export const controllerSources = ['own', 'real'] as const;

export interface ClusterChoice {
  /** Another `keelson.yaml` than the default. */
  readonly config: string | undefined;
  /** Whose controllers, scheduler and nodes: ours, or Kubernetes' own and kwok's. */
  readonly controllers: (typeof controllerSources)[number];
}

/**
 * The suite wants two nodes that take any pod; the simulated ones are that. Their containers do what the suite's images
 * and commands do: servers and `pause` run on, a bare shell ends at once, images that are not there are not pulled. What
 * a Job starts is done after a second, as on other simulated nodes, unless its command says otherwise.
 */
const ownControllers = `
runtime:
  name: simulated
  options:
    containers:
      - { image: '*:404', pullError: not found }
      - { image: '*:non-existent', pullError: not found }
      - { command: '*sleep *' }
      - { image: '*/pause:*' }
      - { command: '*exit 1', exitAfterMs: 200, exitCode: 1 }
      - { command: '*exit 0', exitAfterMs: 200 }
      - { image: '*/busybox:*', exitAfterMs: 200 }
      - { labels: { batch.kubernetes.io/job-name: '*' }, exitAfterMs: 1000 }
nodes: 2
`;
const startMs = 60_000;

/**
 * On the machine's address where it has one: the Endpoints of the API server may not name a loopback address, and the
 * suite looks at them.
 */
function configuration({ config, controllers }: ClusterChoice): string {
  if (config !== undefined) return readFileSync(config, 'utf8');
  const address = machineAddress() ?? '127.0.0.1';
  return `${controllers === 'real' ? apiServerOnly : ownControllers}api: { address: ${address}, port: 0 }\n`;
}

/** Starts `keelson up` in `dir`; resolves once the cluster is ready. */
export async function startKeelsonCluster(dir: string, choice: ClusterChoice): Promise<RunningCluster> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'keelson.yaml');
  writeFileSync(file, configuration(choice));
  const kubeconfig = join(dir, 'data/kubeconfig');
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
  let others: RealControlPlane | undefined;
  const stop = async () => {
    await others?.stop();
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
    if (choice.controllers === 'real') {
      others = startRealControlPlane({ kubeconfig, pki: join(dir, 'data/pki'), dir });
      addSimulatedNodes(kubeconfig);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { kubeconfig, pid: child.pid, stop };
}

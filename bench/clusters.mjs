// What is measured: a cluster of this build by its command, and beside it the real API server with its etcd.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadTarget, open, request } from './target.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const cli = process.env.KEELSON_CLI ?? join(here, '../packages/keelson/dist/cli.js');

const status = (pid) => readFileSync(`/proc/${pid}/status`, 'utf8');
/** Resident memory of a process in MB; Linux only. */
const residentMb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(status(pid))[1]) / 1024;
/** Processor time that a process has used, in ms. */
function processorMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function ofProcesses(pids) {
  const sum = (each) => pids.reduce((total, pid) => total + each(pid), 0);
  return { memoryMb: () => sum(residentMb), processorMs: () => sum(processorMs) };
}

/** The first line or piece of output that `find` makes something of. */
function output(child, find, name) {
  return new Promise((resolve, reject) => {
    let seen = '';
    child.stdout.on('data', (chunk) => {
      seen += chunk;
      const found = find(seen);
      if (found) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
}

/** Starts a cluster by its command; `apiMs`: from the start of the process until the API answered. */
export async function up(args, dir = mkdtempSync(join(tmpdir(), 'keelson-bench-'))) {
  const from = performance.now();
  const child = spawn(process.execPath, [cli, 'up', '--data-dir', dir, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await output(child, (seen) => seen.includes('The cluster is ready'), 'keelson');
  const kubeconfig = join(dir, 'kubeconfig');
  const target = loadTarget(kubeconfig);
  const session = await open(target);
  await request(session, 'GET', '/readyz');
  const apiMs = performance.now() - from;
  session.close();
  const end = async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  };
  return {
    name: 'Keelson',
    target,
    kubeconfig,
    from,
    apiMs,
    dir,
    end,
    ...ofProcesses([child.pid]),
    async stop() {
      await end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Starts the real kube-apiserver with an etcd of its own, on the same disk; or takes one that runs, by kubeconfig. */
export async function startPeer(kubeconfig) {
  if (kubeconfig !== '') {
    const unknown = () => undefined;
    const target = loadTarget(kubeconfig);
    return {
      name: 'Kubernetes',
      target,
      kubeconfig,
      memoryMb: unknown,
      processorMs: unknown,
      stop: async () => undefined,
    };
  }
  const dir = mkdtempSync(join(tmpdir(), 'keelson-bench-peer-'));
  const run = join(here, '../conformance/run.mjs');
  const child = spawn(process.execPath, [run, 'real-side', '--dir', dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  const found = await output(child, (seen) => /^\{.*\}$/m.exec(seen), 'the real API server');
  const { kubeconfig: own, readyMs, pids } = JSON.parse(found[0]);
  return {
    name: 'Kubernetes',
    target: loadTarget(own),
    kubeconfig: own,
    apiMs: readyMs,
    ...ofProcesses([pids.apiserver, pids.etcd]),
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

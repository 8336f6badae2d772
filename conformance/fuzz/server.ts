import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unstableVersions } from '../twin/kinds.ts';
import { complaintsIn, targetOf } from '../twin/sides.ts';
import type { Address } from './exchange.ts';

/** The server that is fuzzed. */
export interface FuzzServer {
  readonly address: Address;
  /** What it said of itself since it was last asked, beyond requests that failed. */
  complaint(): string | undefined;
  /** What it wrote of a request that failed, since `complaint`. */
  trace(): string;
  alive(): boolean;
  /** Has it give back the memory that it no longer uses. */
  collect(): void;
  stop(): Promise<void>;
}

export function addressOf(kubeconfig: string): Address {
  const { origin, tls } = targetOf(kubeconfig);
  const { hostname, port } = new URL(origin);
  return { host: hostname, port: Number(port), ca: tls.ca ?? '', cert: tls.cert ?? '', key: tls.key ?? '' };
}

/** A server that runs already; of its log nothing is read. */
export function runningServer(kubeconfig: string): FuzzServer {
  return {
    address: addressOf(kubeconfig),
    complaint: () => undefined,
    trace: () => '',
    alive: () => true,
    collect: () => undefined,
    stop: async () => undefined,
  };
}

/** Keelson's API server, alone in a process. */
export async function startServer(): Promise<FuzzServer> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-fuzz-'));
  const kubeconfig = join(dir, 'kubeconfig');
  const logFile = join(dir, 'log');
  const run = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const args = [run, 'keelson-side', '--kubeconfig', kubeconfig, '--versions', unstableVersions.join(',')];
  // What would have to be kept for history would hide what is kept by mistake.
  args.push('--revisions', '2000');
  // A leak of a few kB a request ends the process long before the long form does.
  const child: ChildProcess = spawn(process.execPath, ['--max-old-space-size=1024', '--expose-gc', ...args], {
    stdio: ['pipe', 'pipe', openSync(logFile, 'w')],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => chunk.includes('ready ') && resolve());
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${readFileSync(logFile, 'utf8')}`)));
  });
  let told = 0;
  let traced = '';
  return {
    address: addressOf(kubeconfig),
    trace: () => traced,
    alive: () => child.exitCode === null && child.signalCode === null,
    collect: () => child.kill('SIGUSR2'),
    complaint() {
      if (child.exitCode !== null || child.signalCode !== null) {
        return `the server has ended (${child.exitCode ?? child.signalCode}): ${readFileSync(logFile, 'utf8').slice(-2000)}`;
      }
      traced = '';
      if (statSync(logFile).size === told) return undefined;
      const log = readFileSync(logFile).subarray(told);
      told += log.length;
      const all = [...complaintsIn(log.toString('utf8')).keys()];
      traced = all.find((each) => each.startsWith('a request failed')) ?? '';
      const failures = all.filter((each) => !/^(an answer broke off|a request failed)/.test(each));
      return failures.length === 0 ? undefined : `the server said: ${failures.join('\n').slice(0, 2000)}`;
    },
    async stop() {
      const gone = child.exitCode !== null ? undefined : new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

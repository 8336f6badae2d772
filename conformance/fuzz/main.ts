import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { unstableVersions } from '../twin/kinds.ts';
import { complaintsIn, targetOf } from '../twin/sides.ts';
import { type Address, Exchange } from './exchange.ts';
import { fuzz, prepare } from './fuzz.ts';
import { sorts } from './inputs/index.ts';
import { leaks, sizesOf } from './leaks.ts';
import { play } from './play.ts';
import type { FuzzCase } from './request.ts';

const help = `npm run fuzz -- [options]: requests that no sane client sends, to Keelson's API server

  --cases N      how many (default 10000)
  --seed N       default 1; the same seed gives the same cases
  --only A,B     ${Object.keys(sorts).join(', ')}
  --bound MS     the longest time an answer may take (default 10000)
  --kubeconfig F a server that runs already (of its log nothing is read then)
  --oracle F     kubeconfig of a real server: what fails is sent to it as well, and its answers are shown`;

const { values: flags } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    bound: { type: 'string', default: '10000' },
    kubeconfig: { type: 'string' },
    oracle: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(help);
  process.exit(0);
}

interface Server {
  readonly address: Address;
  complaint(): string | undefined;
  trace(): string;
  alive(): boolean;
  stop(): Promise<void>;
}

function addressOf(kubeconfig: string): Address {
  const { origin, tls } = targetOf(kubeconfig);
  const { hostname, port } = new URL(origin);
  return { host: hostname, port: Number(port), ca: tls.ca ?? '', cert: tls.cert ?? '', key: tls.key ?? '' };
}

async function start(): Promise<Server> {
  if (flags.kubeconfig !== undefined) {
    const address = addressOf(flags.kubeconfig);
    return { address, complaint: () => undefined, trace: () => '', alive: () => true, stop: async () => undefined };
  }
  const dir = mkdtempSync(join(tmpdir(), 'keelson-fuzz-'));
  const kubeconfig = join(dir, 'kubeconfig');
  const logFile = join(dir, 'log');
  const run = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const args = [run, 'keelson-side', '--kubeconfig', kubeconfig, '--versions', unstableVersions.join(',')];
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

const begun = Date.now();
const elapsed = () => `${((Date.now() - begun) / 1000).toFixed(0)} s`;
const server = await start();
const sizer = new Exchange(server.address, { boundMs: 30_000 });
const before = await sizesOf(sizer);
const seed = Number(flags.seed);
const report = await fuzz({
  address: server.address,
  seed,
  cases: Number(flags.cases),
  boundMs: Number(flags.bound),
  complaint: () => server.complaint(),
  trace: () => server.trace(),
  ...(flags.only !== undefined && { only: flags.only.split(',') }),
  progress: (done) => {
    if (done % 5000 === 0) console.log(`seed ${seed}: ${done} cases after ${elapsed()}`);
  },
});
console.log(`seed ${seed}: ${report.played} cases after ${elapsed()}`);
for (const [about, all] of report.statuses) {
  const codes = [...all].sort((a, b) => a[0] - b[0]).map(([code, count]) => `${code === 0 ? 'none' : code} ${count}`);
  console.log(`  ${about}: ${codes.join(', ')}`);
}
for (const failure of report.failures) {
  console.log(`\nFAILED, seed ${failure.seed}, path ${failure.path}: ${failure.told}`);
  if (flags.oracle !== undefined) await ask(flags.oracle, failure.fuzzCase);
}
const left = server.alive() ? leaks(before, await sizesOf(sizer)) : [];
for (const each of left) console.log(`LEFT BEHIND: ${each}`);
sizer.close();
await server.stop();
process.exit(report.failures.length + left.length > 0 ? 1 : 0);

/** What the real server says to the same. */
async function ask(kubeconfig: string, fuzzCase: FuzzCase): Promise<void> {
  const exchange = new Exchange(addressOf(kubeconfig), { boundMs: 10_000 });
  await prepare(exchange);
  const { statuses, fault, last } = await play(exchange, fuzzCase, process.pid + Math.floor(Date.now() / 1000));
  exchange.close();
  console.log(`  the real server: ${statuses.join(', ')}${fault ? `; ${fault.why}` : ''}\n  ${last.slice(0, 600)}`);
}

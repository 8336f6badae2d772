import { parseArgs } from 'node:util';
import { Exchange } from './exchange.ts';
import { fuzz, prepare } from './fuzz.ts';
import { sorts } from './inputs/index.ts';
import { leaks, sizesOf } from './leaks.ts';
import { play } from './play.ts';
import type { FuzzCase } from './request.ts';
import { addressOf, runningServer, startServer } from './server.ts';

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

const begun = Date.now();
const elapsed = () => `${((Date.now() - begun) / 1000).toFixed(0)} s`;
const start = async () => (flags.kubeconfig === undefined ? startServer() : runningServer(flags.kubeconfig));
let server = await start();
const first = server;
const sizer = new Exchange(server.address, { boundMs: 30_000 });
server.collect();
const before = await sizesOf(sizer);
const seed = Number(flags.seed);
const report = await fuzz({
  server,
  renew: async () => {
    await server.stop();
    server = await start();
    return server;
  },
  seed,
  cases: Number(flags.cases),
  boundMs: Number(flags.bound),
  ...(flags.only !== undefined && { only: flags.only.split(',') }),
  failed: (told) => console.log(`${elapsed()}: ${told.slice(0, 1500)}\n  … is shrunk`),
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
if (server.alive()) server.collect();
const left = server === first && server.alive() ? leaks(before, await sizesOf(sizer)) : [];
for (const each of left) console.log(`LEFT BEHIND: ${each}`);
console.log(`${report.failures.length} failures, ${left.length} kinds of things left behind, ${elapsed()}`);
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

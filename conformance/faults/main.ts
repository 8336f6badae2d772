import { parseArgs } from 'node:util';
import type { Subject, WatcherConfig } from './contract.ts';
import { type ProxyFault, proxyFaults } from './plan.ts';
import { table } from './report.ts';
import { runFaults } from './run-faults.ts';
import { type FaultServer, runningServer, startKeelsonServer, startRealServer } from './servers.ts';
import { type SubjectName, startSubjectProcess, subjectNames } from './subjects.ts';

const help = `npm run faults -- [options]: watch layers over real sockets that fail, side by side

  --events N     writes, each an event (default 50000; the long form: 1000000)
  --seed S       default 1; the same seed gives the same writes and faults
  --server S     keelson (default), real (kube-apiserver and etcd, from conformance/build.mjs), or a kubeconfig
  --only A,B     ${Object.keys(subjectNames).join(', ')}
  --every N      events from one fault to the next, about (default 1500)
  --keys N       objects in each of the four namespaces (default 500)
  --calms N      how often everything rests and is compared (default: every 25000 events, at least 4)
  --faults A,B   only these; restart comes besides. There are:
${Object.entries(proxyFaults)
  .map(([name, what]) => `                 ${name.padEnd(20)} ${what}`)
  .join('\n')}
  --restart-every N  faults from one kill of the server to the next (default 40; 0: never)
  --json         the result as JSON

The exit code is 1 where Keelson's informers lose something or tell it out of order. Pepr's watch layer is installed by
\`node conformance/npm-clients.mjs\`.`;

const { values: flags } = parseArgs({
  options: {
    events: { type: 'string', default: '50000' },
    seed: { type: 'string', default: '1' },
    server: { type: 'string', default: 'keelson' },
    only: { type: 'string', default: Object.keys(subjectNames).join(',') },
    every: { type: 'string', default: '1500' },
    keys: { type: 'string', default: '500' },
    calms: { type: 'string' },
    faults: { type: 'string' },
    'restart-every': { type: 'string', default: '40' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(help);
  process.exit(0);
}

function fail(message: string): never {
  console.error(`faults: ${message}`);
  process.exit(2);
}

function chosen<Name extends string>(list: string, all: readonly Name[]): Name[] {
  return list
    .split(',')
    .map((each) => all.find((name) => name === each) ?? fail(`there is no "${each}"; name some of ${all.join(', ')}`));
}

function count(name: 'events' | 'every' | 'keys' | 'calms' | 'restart-every', least: number): number {
  const value = Number(flags[name]);
  return Number.isSafeInteger(value) && value >= least ? value : fail(`--${name} takes a number from ${least}`);
}

const names = chosen(flags.only, Object.keys(subjectNames) as SubjectName[]);
const events = count('events', 100);
const calms = flags.calms === undefined ? Math.max(4, Math.round(events / 25_000)) : count('calms', 1);
const [every, keys, restartEvery] = [count('every', 1), count('keys', 1), count('restart-every', 0)];
const only = flags.faults === undefined ? undefined : chosen(flags.faults, Object.keys(proxyFaults) as ProxyFault[]);

const starts: Record<string, () => Promise<FaultServer>> = { keelson: startKeelsonServer, real: startRealServer };
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));

const server = await (starts[flags.server] ?? (() => runningServer(flags.server)))();
let exitCode = 0;
try {
  if (!flags.json) console.log(`${events} events through ${server.about}, seed ${flags.seed}`);
  const result = await runFaults({
    server,
    subjects: Object.fromEntries(
      names.map((name) => [name, (config: WatcherConfig): Promise<Subject> => startSubjectProcess(name, config)]),
    ),
    events,
    seed: flags.seed,
    every,
    keysPerNamespace: keys,
    calms,
    patienceMs: 60_000,
    ...(restartEvery > 0 && { restartEvery }),
    ...(only && { faults: only }),
    signal: stop.signal,
    ...(!flags.json && { progress: (line: string) => console.log(line) }),
  });
  const own = (name: string) => (name in subjectNames ? subjectNames[name as SubjectName] : name);
  console.log(flags.json ? JSON.stringify(result, undefined, 2) : `\n${table(result, own)}`);
  if (stop.signal.aborted) exitCode = 2;
  for (const { name, last, lost, outOfOrder, restarts, ended } of result.subjects) {
    if (!name.startsWith('keelson')) continue;
    if (lost + outOfOrder + restarts === 0 && ended === undefined) continue;
    exitCode = 1;
    console.error(
      `faults: ${name} failed: ${[`lost ${lost}`, `out of order ${outOfOrder}`, ...last.examples].join('; ')}`,
    );
  }
} catch (error) {
  exitCode = 2;
  console.error('faults:', error);
} finally {
  await server.stop();
}
process.exit(exitCode);

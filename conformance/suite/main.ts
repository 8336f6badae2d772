import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { binary } from '../binaries.mjs';
import { controllerSources, startKeelsonCluster } from './keelson-cluster.ts';
import {
  durationSeconds,
  type Ledger,
  ledgerText,
  parseLedger,
  parseTests,
  quickTests,
  regressions,
  updated,
} from './ledger.ts';
import { runSuite } from './run-suite.ts';

const help = `npm run conformance [-- options]: Kubernetes' own suite against a cluster that this starts

  --class A,B          api-only, controllers+pods, real-containers (default: all)
  --match REGEX        only tests whose name matches
  --cluster C          keelson (default), or a kubeconfig of a cluster that runs already
  --config FILE        keelson.yaml for the cluster (default: two simulated nodes, on the machine's address)
  --controllers C      own (default), or real: Kubernetes' own controller manager, scheduler and kwok's nodes on our
                       API server, ours all switched off
  --procs N            tests side by side (default 4)
  --timeout T          of the whole suite (default 90m)
  --ledger-quick       those that the ledger says pass and that are quick, within --budget (default 8m)
  --update             write failures of tests that once passed into the ledger, too
  --no-ledger          leave the ledger as it is
  --out DIR            keep log.txt and report.json there
  --list               name the tests, run none

After a run the ledger, docs/conformance.tsv, says of every test that ran what was seen. A test that is "passed" there
and fails now is an error: the exit code is 1, and the ledger keeps "passed" unless --update. Runs against another
cluster than Keelson's, and with --controllers real, never touch the ledger.`;

const { values: flags } = parseArgs({
  options: {
    class: { type: 'string' },
    match: { type: 'string' },
    cluster: { type: 'string', default: 'keelson' },
    config: { type: 'string' },
    controllers: { type: 'string', default: 'own' },
    procs: { type: 'string', default: '4' },
    timeout: { type: 'string', default: '90m' },
    'ledger-quick': { type: 'boolean', default: false },
    budget: { type: 'string', default: '8m' },
    update: { type: 'boolean', default: false },
    'no-ledger': { type: 'boolean', default: false },
    out: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(help);
  process.exit(0);
}
const ledgerFile = fileURLToPath(new URL('../../docs/conformance.tsv', import.meta.url));
const all = parseTests(readFileSync(new URL('../tests.tsv', import.meta.url), 'utf8'));
const readLedger = (): Ledger => (existsSync(ledgerFile) ? parseLedger(readFileSync(ledgerFile, 'utf8')) : new Map());
const before = readLedger();
const classes = flags.class?.split(',');
for (const each of classes ?? [])
  if (!all.some((test) => test.class === each)) fail(`no class ${each}: api-only, controllers+pods or real-containers`);
const pattern = flags.match === undefined ? undefined : new RegExp(flags.match);
const procs = Number(flags.procs);
const matching = all.filter(
  (test) => (!classes || classes.includes(test.class)) && (!pattern || pattern.test(test.name)),
);
const onKeelson = flags.cluster === 'keelson';
const tests = flags['ledger-quick']
  ? quickTests(matching, before, { budgetSeconds: durationSeconds(flags.budget), procs })
  : matching;
const controllers = controllerSources.find((each) => each === flags.controllers);
if (!controllers) fail(`--controllers ${flags.controllers}: own or real`);
if (tests.length === 0) fail('no test matches');
if (flags.list) {
  for (const { class: cls, name } of tests) console.log(`${cls}\t${name}`);
  process.exit(0);
}
for (const name of ['ginkgo', 'e2e.test', 'kubectl']) binary(name);

const dir = flags.out === undefined ? mkdtempSync(join(tmpdir(), 'keelson-conformance-')) : resolve(flags.out);
mkdirSync(dir, { recursive: true });
const started = Date.now();
const cluster = onKeelson
  ? await startKeelsonCluster(join(dir, 'cluster'), { config: flags.config, controllers })
  : undefined;
console.log(
  `${tests.length} tests, ${procs} at a time, on ${cluster ? 'Keelson' : flags.cluster}; log: ${join(dir, 'log.txt')}`,
);
try {
  // A slower machine is no regression, as long as it comes to an end.
  const timeout = flags['ledger-quick'] ? `${durationSeconds(flags.budget) * 1.5}s` : flags.timeout;
  const { seen, failures, cutOff } = await runSuite({
    kubeconfig: cluster?.kubeconfig ?? resolve(flags.cluster),
    dir,
    tests,
    procs,
    timeout,
    attempts: flags['ledger-quick'] ? 2 : 1,
  });
  const passed = [...seen.values()].filter(({ state }) => state === 'passed');
  for (const [name, why] of failures) console.log(`failed: ${name}\n        ${why}`);
  const counts = new Map<string, Record<string, number>>();
  for (const { class: cls, name } of tests) {
    const count = counts.get(cls) ?? {};
    const state = seen.get(name)?.state ?? 'not run';
    count[state] = (count[state] ?? 0) + 1;
    counts.set(cls, count);
  }
  for (const [cls, count] of counts)
    console.log(
      `${cls}: ${Object.entries(count)
        .map(([state, n]) => `${n} ${state}`)
        .join(', ')}`,
    );
  if (cutOff !== undefined) console.log(`the suite was cut off: ${cutOff}`);
  const unended = tests.filter(({ name }) => !seen.has(name));
  for (const { name } of unended) console.log(`did not end: ${name}`);
  const silent = unended.filter(({ name }) => before.get(name)?.state === 'passed').map(({ name }) => name);
  const lost = onKeelson ? [...regressions(before, seen), ...silent] : [];
  if (onKeelson && controllers === 'own' && !flags['no-ledger']) {
    // Read again: another run may have written its part meanwhile.
    writeFileSync(ledgerFile, ledgerText(all, updated(readLedger(), seen, flags.update)));
  }
  for (const name of lost) console.log(`passed once and fails now: ${name}`);
  console.log(`whole run: ${((Date.now() - started) / 1000).toFixed(0)} s`);
  console.log(`${passed.length} passed, ${tests.length - passed.length} failed`);
  process.exitCode = lost.length > 0 || (!onKeelson && seen.size > passed.length) ? 1 : 0;
} finally {
  await cluster?.stop();
  if (flags.out === undefined && process.exitCode !== 1) rmSync(dir, { recursive: true, force: true });
}
process.exit();

function fail(message: string): never {
  console.error(`conformance: ${message}`);
  process.exit(2);
}

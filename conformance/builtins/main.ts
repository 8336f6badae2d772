import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { binary } from '../binaries.mjs';
import { realControlPlanePrograms } from '../real-control-plane.ts';
import { parseTests } from '../suite/ledger.ts';
import { testsBeyondConformance } from './beyond.ts';
import { kinds } from './kinds.ts';
import { fromSource, installed } from './our-program.ts';
import { type Outcome, tryKind } from './try-kind.ts';

const help = `npm run builtins [-- name… options]: a built-in of ours alone in Kubernetes' own control plane, in the place of its
counterpart, which is switched off; then the tests of Kubernetes' own suite that are about its kind

  name                 ${kinds.map(({ name }) => name).join(', ')}
                       (default: the first five; all: every one)
  --ours W             source (default); packed: installed from tarballs of the packages, which must be built; or none:
                       nobody takes the counterpart's place, or real: it is not switched off, to see what the tests can tell
  --quick              one or two tests of each
  --beyond             the tests of its kind that conformance does not ask for; some need real containers, as --ours real tells
  --match REGEX        only tests whose name matches
  --procs N            tests side by side (default 4)
  --timeout T          of each built-in's tests (default 60m)
  --out DIR            keep logs and reports there

It runs with the rights of system:kube-controller-manager and system:kube-scheduler, and of the ServiceAccounts of Kubernetes'
own controllers. The exit code is 1 where a test fails.`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ours: { type: 'string', default: 'source' },
    quick: { type: 'boolean', default: false },
    beyond: { type: 'boolean', default: false },
    match: { type: 'string' },
    procs: { type: 'string', default: '4' },
    timeout: { type: 'string', default: '60m' },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(help);
  process.exit(0);
}
const names = positionals.length === 0 ? kinds.slice(0, 5).map(({ name }) => name) : positionals;
const chosen = names.includes('all')
  ? kinds
  : names.map((name) => kinds.find((each) => each.name === name) ?? fail(`there is no "${name}" (--help names all)`));
if (!['source', 'packed', 'none', 'real'].includes(flags.ours))
  fail(`--ours ${flags.ours}: source, packed, none or real`);
for (const name of ['etcd', 'kube-apiserver', ...realControlPlanePrograms, 'ginkgo', 'e2e.test', 'kubectl'])
  binary(name);

const all = flags.beyond
  ? testsBeyondConformance()
  : parseTests(readFileSync(new URL('../tests.tsv', import.meta.url), 'utf8'));
const dir = flags.out === undefined ? mkdtempSync(join(tmpdir(), 'keelson-builtins-')) : resolve(flags.out);
mkdirSync(dir, { recursive: true });
const program = flags.ours === 'packed' ? installed(join(dir, 'package')) : fromSource;
const pattern = flags.match === undefined ? undefined : new RegExp(flags.match);
const outcomes: Outcome[] = [];
console.log(`logs: ${dir}`);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stop.abort(new Error('it was interrupted')));
for (const kind of chosen) {
  if (stop.signal.aborted) fail('it was interrupted');
  const outcome = await tryKind(kind, {
    program: flags.ours === 'source' || flags.ours === 'packed' ? program : undefined,
    keepCounterpart: flags.ours === 'real',
    tests: all.filter(({ name }) => !pattern || pattern.test(name)),
    short: flags.quick,
    dir: join(dir, kind.name),
    procs: Number(flags.procs),
    timeout: flags.timeout,
    signal: stop.signal,
  });
  for (const [name, why] of outcome.failures) console.log(`failed: ${name}\n        ${why}`);
  const { passed, failed, seconds } = outcome;
  console.log(`${kind.name.padEnd(24)} ${passed} passed, ${failed} failed, ${seconds.toFixed(0)} s`);
  outcomes.push(outcome);
}
const sum = (of: 'passed' | 'failed') => outcomes.reduce((total, each) => total + each[of], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
const clean = sum('failed') === 0;
if (flags.out === undefined && clean) rmSync(dir, { recursive: true, force: true });
process.exit(clean ? 0 : 1);

function fail(message: string): never {
  console.error(`builtins: ${message}`);
  process.exit(2);
}

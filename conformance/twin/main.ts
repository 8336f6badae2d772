import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { TwinCase } from './case.ts';
import type { Difference } from './diff.ts';
import { type Group, groupKey, keyLine, lineKey } from './groups.ts';
import type { JsonObject } from './json.ts';
import { kinds as allKinds, selectKinds, unstableVersions } from './kinds.ts';
import { learnFull, learningOrder } from './learn.ts';
import { meantBy } from './meant.ts';
import { printReport, type Report } from './report.ts';
import { Rng } from './rng.ts';
import { runCase, startNamesAt } from './run-case.ts';
import { caseOf, fullObjectsFile, scenarios, serverCases } from './scenarios/index.ts';
import { shrink } from './shrink.ts';
import { startSides } from './sides.ts';

const help = `npm run twin -- [options]: the same requests to Keelson's API server and to the real one; every difference

  --cases N        how many cases (default 1000)
  --seed S         default 1; the same seed gives the same cases
  --kind A,B       pods, deployments.apps, resourceslices.resource.k8s.io/v1beta1
  --group A,B      apps, resource.k8s.io; "" is the core group
  --scenario A,B   ${Object.keys(scenarios).join(', ')}
  --ignore A,B     leave out differences whose path contains one of these (managedFields, header.vary)
  --only N         the case with this number alone, with everything that was sent and answered
  --json FILE      the whole report as JSON
  --concurrency N  cases at a time (default 8)
  --groups N       how many groups to shrink and print (default 40)
  --shrink-seconds N  for all groups together (default 120)
  --no-shrink      print examples as they were found
  --no-confirm     differences that show twice count, without asking four times more
  --learn          find the fullest valid object of each kind by asking the real server; writes generated/full-objects.json
  --open FILE      sorts of differences that are known and not yet mended, a line each: no error
  --update         with --open: write what was found into that file; --add: add it to what stands there
  --keep           leave both servers running at the end, until Ctrl-C
  --oracle FILE    kubeconfig of a real server that runs already, instead of one of its own
  --at REVISION    the packages as committed then (HEAD), not as they lie in the working tree
  --list           what kinds and scenarios there are`;

const { values: flags } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    kind: { type: 'string' },
    group: { type: 'string' },
    scenario: { type: 'string' },
    ignore: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'string' },
    concurrency: { type: 'string', default: '8' },
    groups: { type: 'string', default: '40' },
    'shrink-seconds': { type: 'string', default: '120' },
    'no-shrink': { type: 'boolean', default: false },
    'no-confirm': { type: 'boolean', default: false },
    learn: { type: 'boolean', default: false },
    open: { type: 'string' },
    update: { type: 'boolean', default: false },
    add: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    oracle: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const split = (text: string | undefined) => (text === undefined ? [] : text.split(','));
if (flags.help) {
  console.log(help);
  process.exit(0);
}
if (flags.list) {
  console.log(
    `scenarios: ${Object.keys(scenarios).join(', ')}\nkinds:\n  ${allKinds.map(({ id }) => id).join('\n  ')}`,
  );
  process.exit(0);
}

const chosenKinds = selectKinds(split(flags.kind), split(flags.group));
const chosenScenarios = split(flags.scenario);
for (const name of chosenScenarios)
  if (!(name in scenarios)) throw new Error(`--scenario ${name}: one of ${Object.keys(scenarios).join(', ')}`);
const ignored = split(flags.ignore);
const bag = Object.entries(scenarios)
  .filter(([name]) => chosenScenarios.length === 0 || chosenScenarios.includes(name))
  .flatMap(([name, { share }]) => Array.from({ length: chosenScenarios.length > 0 ? 1 : share }, () => name));

/** The case with a number: kinds in turn, the scenario by chance. */
function caseNumber(number: number): TwinCase | undefined {
  const kind = chosenKinds[number % chosenKinds.length];
  if (!kind) return undefined;
  const rng = new Rng(`${flags.seed}:${number}`);
  for (let tries = 0; tries < 24; tries++) {
    const name = rng.pick(bag);
    const steps = scenarios[name]?.make(kind, rng);
    if (steps) return caseOf(kind, name, steps);
  }
  return undefined;
}

const started = Date.now();
const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
const sides = await startSides({
  versions: unstableVersions,
  ...(flags.oracle !== undefined && { oracle: flags.oracle }),
});
startNamesAt(flags.oracle === undefined ? 0 : Math.floor(Date.now() / 1000) % 30_000_000);
console.log(`both sides are up after ${seconds()}: ${sides.about}`);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void sides.stop().then(() => process.exit(130)));

const open = new Set(
  flags.open !== undefined && existsSync(flags.open)
    ? readFileSync(flags.open, 'utf8').trim().split('\n').map(lineKey)
    : [],
);
const report: Report = {
  seed: flags.seed,
  cases: new Map(),
  groups: new Map(),
  unstable: new Map(),
  meant: new Map(),
  differing: 0,
};
/** Cases with sorts of differences that are not known as open. */
const wrong = new Map<number, string[]>();

const unexplained = (twinCase: TwinCase, all: readonly Difference[]) =>
  all.filter((each) => {
    if (ignored.some((part) => each.path.includes(part))) return false;
    const meant = meantBy(twinCase, each);
    if (meant) report.meant.set(meant, (report.meant.get(meant) ?? 0) + 1);
    return !meant;
  });

const confirmations = 4;
/** More than these are no chance. */
const mostConfirmed = 60;
/** Other differences of the same case that a group keeps. */
const mostShown = 6;

function unsteady(key: string, number: number): void {
  const known = report.unstable.get(key);
  report.unstable.set(key, { count: (known?.count ?? 0) + 1, number: known?.number ?? number });
}

async function one(number: number): Promise<void> {
  const twinCase = number < 0 ? serverCases[-1 - number] : caseNumber(number);
  if (!twinCase) return;
  report.cases.set(twinCase.kind, (report.cases.get(twinCase.kind) ?? 0) + 1);
  const first = unexplained(twinCase, (await runCase(sides, twinCase, 150)).differences);
  if (first.length === 0) return;
  // What does not show again, with more patience, was a matter of timing.
  const again = unexplained(twinCase, (await runCase(sides, twinCase, 700)).differences);
  // By its sort or its place: what is said there may be another thing each time.
  const place = ({ step, path }: Difference) => `${step} ${path}`;
  const places = new Set(again.map(place));
  const keys = new Set(again.map((each) => groupKey(twinCase, each)));
  const stable = new Set<string>();
  const seen = new Set<string>();
  for (const difference of first) {
    const key = groupKey(twinCase, difference);
    if (seen.has(key)) continue;
    seen.add(key);
    if (keys.has(key) || places.has(place(difference))) stable.add(key);
    else {
      unsteady(key, number);
      continue;
    }
    const group: Group = report.groups.get(key) ?? {
      key,
      kinds: new Map(),
      scenarios: new Map(),
      count: 0,
      example: twinCase,
      number,
      difference,
      all: first.slice(0, mostShown),
    };
    group.count++;
    group.kinds.set(twinCase.kind, (group.kinds.get(twinCase.kind) ?? 0) + 1);
    group.scenarios.set(twinCase.scenario, (group.scenarios.get(twinCase.scenario) ?? 0) + 1);
    report.groups.set(key, group);
  }
  if (stable.size > 0) report.differing++;
  const fresh = [...stable].filter((key) => !open.has(key));
  if (fresh.length > 0) wrong.set(number, fresh);
}

/** Asks a case a few times more, alone: what does not show each time came of the cases beside it, or of who was first. */
async function confirm(number: number, keys: readonly string[]): Promise<void> {
  const twinCase = number < 0 ? serverCases[-1 - number] : caseNumber(number);
  if (!twinCase) return;
  let left = keys;
  for (let times = 0; times < confirmations && left.length > 0; times++) {
    const again = unexplained(twinCase, (await runCase(sides, twinCase, 700)).differences);
    const shown = new Set(again.map((each) => groupKey(twinCase, each)));
    left = left.filter((key) => shown.has(key));
  }
  for (const key of keys) {
    const group = report.groups.get(key);
    if (left.includes(key) || !group) continue;
    unsteady(key, number);
    if (--group.count === 0) report.groups.delete(key);
  }
  if (left.length > 0) wrong.set(number, [...left]);
  else wrong.delete(number);
}

/** Runs `work` on all items, so many at a time. */
async function pool<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value);
    }),
  );
}

if (flags.learn) {
  const learned = new Map<string, JsonObject>();
  for (const kind of learningOrder(allKinds)) {
    if (!chosenKinds.includes(kind) && kind.id !== 'pods/v1') continue;
    const object = await learnFull(kind, sides.real, learned);
    if (object) learned.set(kind.id, object);
    console.log(`${kind.id}: ${JSON.stringify(object ?? null).length} bytes after ${seconds()}`);
  }
  const lines = [...learned].map(([kind, object]) => `${JSON.stringify(kind)}: ${JSON.stringify(object)}`);
  writeFileSync(fullObjectsFile, `{\n${lines.join(',\n')}\n}\n`);
  await sides.stop();
  process.exit(0);
} else if (flags.only !== undefined) {
  const only = Number(flags.only);
  const twinCase = only < 0 ? serverCases[-1 - only] : caseNumber(only);
  if (!twinCase) throw new Error(`there is no case ${flags.only}`);
  const { expected, got, differences } = await runCase(sides, twinCase, 700);
  for (const [index, step] of twinCase.steps.entries()) {
    console.log(
      `\n${index}. ${JSON.stringify(step)}\n   real    ${JSON.stringify(expected[index])}\n   keelson ${JSON.stringify(got[index])}`,
    );
  }
  console.log(JSON.stringify(differences, undefined, 2));
} else {
  const count = Number(flags.cases);
  const wholeServer = flags.kind === undefined && flags.group === undefined && chosenScenarios.length === 0;
  if (wholeServer) for (let i = 0; i < serverCases.length; i++) await one(-1 - i);
  const numbers = (function* () {
    for (let i = 0; i < count; i++) {
      if (i > 0 && i % 1000 === 0)
        console.log(`${i} cases after ${seconds()}, ${report.groups.size} sorts of differences`);
      yield i;
    }
  })();
  await pool(numbers, Number(flags.concurrency), one);
  console.log(`${count} cases after ${seconds()}`);
  if (!flags['no-confirm'])
    for (const [number, keys] of [...wrong].slice(0, mostConfirmed)) await confirm(number, keys);
  const found = [...report.groups.values()].filter(({ key }) => !open.has(key));
  const shown = found.sort((a, b) => b.count - a.count).slice(0, Number(flags.groups));
  const until = Date.now() + Number(flags['shrink-seconds']) * 1000;
  if (!flags['no-shrink'])
    await pool(shown, Number(flags.concurrency), (group) =>
      shrink(group, (candidate) => runCase(sides, candidate, 300), until),
    );
  printReport(report, shown, found.length);
  if (flags.open !== undefined && (flags.update || flags.add)) {
    const keys = new Set([...(flags.add ? open : []), ...report.groups.keys()]);
    writeFileSync(flags.open, [...keys].sort().map(keyLine).join(''));
  }
  if (flags.json !== undefined) {
    const plain = (_: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value);
    writeFileSync(flags.json, JSON.stringify(report, plain, 2));
  }
}
const alive = sides.alive();
const complaints = sides.complaints();
for (const [text, count] of complaints) console.log(`\nKeelson complained ${count} times: ${text}`);
if (!alive) console.error("Keelson's API server ended by itself");
if (flags.keep) {
  console.log('both servers stay; Ctrl-C ends them');
  await new Promise(() => setInterval(() => undefined, 1 << 30));
}
await sides.stop();
console.log(`whole run: ${seconds()}`);
const asked = [...report.cases.values()].reduce((sum, each) => sum + each, 0);
const failed = wrong.size + (alive ? 0 : 1);
console.log(`${asked - wrong.size} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

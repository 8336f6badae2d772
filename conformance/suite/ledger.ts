/** One test of Kubernetes' conformance suite. */
export interface ConformanceTest {
  /** `api-only`, `controllers+pods` or `real-containers`: what it needs of a cluster. */
  readonly class: string;
  /** Its whole name in the suite. */
  readonly name: string;
}

export type TestState = 'passed' | 'failed' | 'not run';

/** What the ledger says of a test. */
export interface LedgerEntry {
  readonly state: TestState;
  readonly seconds: number;
}

export type Ledger = ReadonlyMap<string, LedgerEntry>;

const heading = 'class\tstate\tseconds\ttest';

/** The tests of the fixed list, `class … spec …` by its heading. */
export function parseTests(text: string): ConformanceTest[] {
  const [head = '', ...lines] = text.trimEnd().split('\n');
  const columns = head.split('\t');
  const [classAt, nameAt] = [columns.indexOf('class'), columns.indexOf('spec')];
  return lines.map((line) => {
    const cells = line.split('\t');
    return { class: cells[classAt] ?? '', name: cells[nameAt] ?? '' };
  });
}

/** Throws on a line that is none of a ledger. */
export function parseLedger(text: string): Ledger {
  const result = new Map<string, LedgerEntry>();
  for (const line of text.trimEnd().split('\n').slice(1)) {
    const [, state, seconds, name] = line.split('\t');
    if (name === undefined || (state !== 'passed' && state !== 'failed' && state !== 'not run'))
      throw new Error(`not a line of the ledger: ${line}`);
    result.set(name, { state, seconds: Number(seconds) });
  }
  return result;
}

/** All tests, sorted by class and name, a line each. */
export function ledgerText(tests: readonly ConformanceTest[], ledger: Ledger): string {
  const key = (test: ConformanceTest) => `${test.class}\t${test.name}`;
  const lines = [...tests]
    .sort((a, b) => (key(a) < key(b) ? -1 : 1))
    .map((test) => {
      const { state, seconds } = ledger.get(test.name) ?? { state: 'not run' as const, seconds: 0 };
      return [test.class, state, state === 'not run' ? '' : seconds.toFixed(1), test.name].join('\t');
    });
  return `${[heading, ...lines].join('\n')}\n`;
}

/** Tests that the ledger knows as passed and that failed now. */
export function regressions(before: Ledger, seen: Ledger): string[] {
  return [...seen]
    .filter(([name, { state }]) => state === 'failed' && before.get(name)?.state === 'passed')
    .map(([name]) => name);
}

/**
 * The ledger after a run. A test that passed before stays `passed`, a failure now being an error, unless `accept`; and
 * about as long as before is as long as before, so that a run changes few lines.
 */
export function updated(before: Ledger, seen: Ledger, accept: boolean): Ledger {
  const result = new Map(before);
  for (const [name, entry] of seen) {
    if (entry.state === 'not run') continue;
    if (!accept && entry.state === 'failed' && before.get(name)?.state === 'passed') continue;
    const known = before.get(name);
    result.set(name, known?.state === entry.state && aboutAsLong(known.seconds, entry.seconds) ? known : entry);
  }
  return result;
}

const aboutAsLong = (a: number, b: number): boolean => Math.abs(a - b) <= Math.max(2, a);

const longestSeconds = 60;

/**
 * Those of the tests that passed last time and, the quickest first, fit into the budget: the serial ones one after the
 * other, the rest side by side.
 */
export function quickTests(
  tests: readonly ConformanceTest[],
  ledger: Ledger,
  { budgetSeconds, procs }: { readonly budgetSeconds: number; readonly procs: number },
): ConformanceTest[] {
  const passed = tests
    .map((test) => ({ test, entry: ledger.get(test.name) }))
    .flatMap(({ test, entry }) =>
      entry?.state === 'passed' && entry.seconds <= longestSeconds ? [{ test, seconds: entry.seconds }] : [],
    )
    .sort((a, b) => a.seconds - b.seconds || (a.test.name < b.test.name ? -1 : 1));
  const result: ConformanceTest[] = [];
  // A fifth is left for the start of the suite and of the cluster, and for a slower machine.
  let left = budgetSeconds * 0.8;
  for (const { test, seconds } of passed) {
    const cost = test.name.includes('[Serial]') ? seconds : seconds / procs;
    if (cost > left) break;
    left -= cost;
    result.push(test);
  }
  return result;
}

/** Seconds from `90s`, `8m`, `1h30m` or a bare number of seconds. Throws on anything else. */
export function durationSeconds(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (!match || text === '') throw new Error(`${text} is no duration such as 90s, 8m or 1h30m`);
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

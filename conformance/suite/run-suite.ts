import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { binary } from '../binaries.mjs';
import type { ConformanceTest, LedgerEntry } from './ledger.ts';

export interface SuiteOptions {
  readonly kubeconfig: string;
  /** Where report and log go. */
  readonly dir: string;
  readonly tests: readonly ConformanceTest[];
  readonly procs: number;
  /** As ginkgo reads it: `90m`. */
  readonly timeout: string;
  /** How often a test that fails is tried: on a machine that is busy with itself some waits of the suite are too short. */
  readonly attempts?: number;
}

export interface SuiteResult {
  readonly seen: ReadonlyMap<string, LedgerEntry>;
  /** By test: the first words of the failure. */
  readonly failures: ReadonlyMap<string, string>;
  /** Why it was cut off, where it was. */
  readonly cutOff: string | undefined;
}

/** The longest that a test of the suite takes by design is about nine minutes. */
const stuckMs = 11 * 60_000;

const reportFile = z.array(
  z.object({
    SpecReports: z
      .array(
        z.object({
          ContainerHierarchyTexts: z.array(z.string()).nullish(),
          LeafNodeType: z.string(),
          LeafNodeText: z.string(),
          State: z.string(),
          RunTime: z.number(),
          NumAttempts: z.number().nullish(),
          Failure: z.object({ Message: z.string().nullish() }).nullish(),
        }),
      )
      .nullish(),
  }),
);

/** Runs tests of the suite as they are, with its default content type. Rejects where the suite does not start at all. */
export async function runSuite({
  kubeconfig,
  dir,
  tests,
  procs,
  timeout,
  attempts = 1,
}: SuiteOptions): Promise<SuiteResult> {
  const report = join(dir, 'report.json');
  const logFile = join(dir, 'log.txt');
  rmSync(report, { force: true });
  const quote = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const log = openSync(logFile, 'w');
  const child = spawn(
    binary('ginkgo'),
    [
      '-v',
      `--procs=${procs}`,
      `--focus= (${tests.map(({ name }) => quote(name)).join('|')})$`,
      `--json-report=${report}`,
      `--timeout=${timeout}`,
      `--flake-attempts=${attempts}`,
      '--no-color',
      '--keep-going',
      binary('e2e.test'),
      '--',
      `--kubeconfig=${kubeconfig}`,
      '--provider=skeleton',
      '--num-nodes=2',
      `--kubectl-path=${binary('kubectl')}`,
      '--disable-log-dump',
      '--dump-logs-on-failure=false',
    ],
    // In a group of its own: the suite's processes do not all end when ginkgo does.
    { stdio: ['ignore', log, log], cwd: dir, detached: true },
  );
  const cutOff = await ended(child, logFile);
  if (!existsSync(report)) {
    const text = readFileSync(logFile, 'utf8');
    const seen = resultsInLog(text, tests);
    if (seen.size === 0) throw new Error(`the suite did not start; the end of ${logFile}:\n${text.slice(-2000)}`);
    return { seen, failures: new Map(), cutOff: cutOff ?? 'it left no report' };
  }
  const seen = new Map<string, LedgerEntry>();
  const failures = new Map<string, string>();
  const suites = reportFile.parse(JSON.parse(readFileSync(report, 'utf8')));
  for (const each of suites.flatMap(({ SpecReports }) => SpecReports ?? [])) {
    if (each.LeafNodeType !== 'It' || (each.State === 'skipped' && !each.NumAttempts)) continue;
    const name = [...(each.ContainerHierarchyTexts ?? []), each.LeafNodeText].join(' ');
    // What the suite skips by itself, or what was cut off by the timeout, has not passed.
    const state = each.State === 'passed' ? 'passed' : 'failed';
    seen.set(name, { state, seconds: each.RunTime / 1e9 });
    if (state === 'failed')
      failures.set(name, (each.Failure?.Message ?? each.State).replace(/\s+/g, ' ').slice(0, 500));
  }
  return { seen, failures, cutOff };
}

/** Resolves when the suite has ended, or was ended because a test hangs or somebody pressed Ctrl-C: with why. */
async function ended(child: ChildProcess, logFile: string): Promise<string | undefined> {
  const kill = () => {
    if (child.pid === undefined || child.exitCode !== null) return;
    process.kill(-child.pid, 'SIGKILL');
  };
  let why: string | undefined;
  const cut = (reason: string) => {
    why = reason;
    kill();
  };
  const interrupted = () => cut('it was interrupted');
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  let size = 0;
  let progressAt = Date.now();
  const look = setInterval(() => {
    const now = statSync(logFile).size;
    if (now !== size) progressAt = Date.now();
    size = now;
    if (Date.now() - progressAt > stuckMs) cut(`no test ended for ${stuckMs / 60_000} minutes`);
  }, 5_000);
  try {
    await new Promise((resolve, reject) => {
      child.once('exit', resolve);
      child.once('error', reject);
    });
  } finally {
    clearInterval(look);
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
  return why;
}

/** What the log of a suite that left no report says: tests that ended, by the line that tells their time. */
export function resultsInLog(log: string, tests: readonly ConformanceTest[]): Map<string, LedgerEntry> {
  const names = new Map(tests.map(({ name }) => [words(name), name]));
  const seen = new Map<string, LedgerEntry>();
  for (const [, mark = '', seconds, line = ''] of log.matchAll(/^• (\[\w+\] )?\[([\d.]+) seconds\]\n(.*)$/gm)) {
    const name = names.get(words(line.replace(/ \[[^\]]*\]$/, '').replace(' [It] ', ' ')));
    if (name !== undefined) seen.set(name, { state: mark === '' ? 'passed' : 'failed', seconds: Number(seconds) });
  }
  return seen;
}

const words = (text: string) => text.replace(/\s+/g, ' ').trim();

import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync } from 'node:fs';
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
}

export interface SuiteResult {
  readonly seen: ReadonlyMap<string, LedgerEntry>;
  /** By test: the first words of the failure. */
  readonly failures: ReadonlyMap<string, string>;
}

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
export async function runSuite({ kubeconfig, dir, tests, procs, timeout }: SuiteOptions): Promise<SuiteResult> {
  const report = join(dir, 'report.json');
  const logFile = join(dir, 'log.txt');
  rmSync(report, { force: true });
  const quote = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const log = openSync(logFile, 'w');
  const child = spawn(
    binary('ginkgo'),
    [
      `--procs=${procs}`,
      `--focus= (${tests.map(({ name }) => quote(name)).join('|')})$`,
      `--json-report=${report}`,
      `--timeout=${timeout}`,
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
    { stdio: ['ignore', log, log], cwd: dir },
  );
  const stop = () => child.kill('SIGINT');
  process.once('SIGINT', stop);
  await new Promise((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', reject);
  });
  process.off('SIGINT', stop);
  if (!existsSync(report))
    throw new Error(`the suite did not start; the end of ${logFile}:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
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
  return { seen, failures };
}

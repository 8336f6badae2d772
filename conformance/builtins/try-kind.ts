import { mkdirSync } from 'node:fs';
import type { ConformanceTest } from '../suite/ledger.ts';
import { runSuite } from '../suite/run-suite.ts';
import { startControlPlane } from './control-plane.ts';
import { counterpartsOf, type Kind, testsOf } from './kinds.ts';
import { type Program, type RunningProgram, startOurs } from './our-program.ts';

export interface TryOptions {
  /** Without it nobody takes the counterpart's place. */
  readonly program: Program | undefined;
  /** The counterpart stays: what the tests say of Kubernetes itself. */
  readonly keepCounterpart: boolean;
  /** Of which those of the kind are taken. */
  readonly tests: readonly ConformanceTest[];
  readonly short: boolean;
  readonly dir: string;
  readonly procs: number;
  /** As ginkgo reads it. */
  readonly timeout: string;
  /** Ends it before the tests begin; what was started is ended in order. The suite itself ends by the signals of the process. */
  readonly signal: AbortSignal;
}

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** Of the tests alone. */
  readonly seconds: number;
  /** By test, or by what else went wrong: the first words. */
  readonly failures: ReadonlyMap<string, string>;
}

/** Starts a control plane of its own for the kind, runs the kind's tests, and ends all of it. */
export async function tryKind(kind: Kind, options: TryOptions): Promise<Outcome> {
  const { program, keepCounterpart, short, dir, procs, timeout, signal } = options;
  const tests = testsOf(kind, options.tests, { short });
  if (tests.length === 0) return { passed: 0, failed: 0, seconds: 0, failures: new Map() };
  mkdirSync(dir, { recursive: true });
  const controlPlane = await startControlPlane(dir, keepCounterpart ? [] : counterpartsOf(kind.plugins));
  const failures = new Map<string, string>();
  let passed = 0;
  let seconds = 0;
  let ours: RunningProgram | undefined;
  try {
    signal.throwIfAborted();
    if (program) ours = await startOurs(program, { plugins: kind.plugins, controlPlane, dir });
    signal.throwIfAborted();
    const began = Date.now();
    const { kubeconfig } = controlPlane;
    const result = await runSuite({ kubeconfig, dir, tests, procs, timeout });
    seconds = (Date.now() - began) / 1_000;
    for (const { name } of tests) {
      const seen = result.seen.get(name);
      if (seen?.state === 'passed') passed += 1;
      else failures.set(name, result.failures.get(name) ?? result.cutOff ?? (seen ? 'it failed' : 'it did not end'));
    }
    const code = await ours?.stop();
    if (ours && code !== 0) failures.set(`${kind.name} ends in order`, `it ended with ${code ?? 'a signal'}`);
  } finally {
    await ours?.stop();
    await controlPlane.stop();
  }
  return { passed, failed: failures.size, seconds, failures };
}

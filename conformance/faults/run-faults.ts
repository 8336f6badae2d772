import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPki } from '@keelson/apiserver';
import { createClient, type HttpTransport, httpTransport, loadKubeconfig, systemClock } from '@keelson/core';
import { type Difference, type Figures, type Subject, type WatcherConfig, wrongKeys } from './contract.ts';
import { type Fault, makePlan, type PlanOptions } from './plan.ts';
import { FaultProxy, withoutBookmarks, withoutStreams } from './proxy.ts';
import type { FaultServer } from './servers.ts';
import { Writer } from './writer.ts';

export const allNamespaces = ['faults-a', 'faults-b', withoutBookmarks, withoutStreams] as const;

export interface FaultRunOptions extends Omit<PlanOptions, 'restartEvery'> {
  readonly server: FaultServer;
  /** Who is looked at; each behind a proxy of its own. */
  readonly subjects: Readonly<Record<string, (config: WatcherConfig) => Promise<Subject>>>;
  readonly namespaces?: readonly string[];
  readonly keysPerNamespace: number;
  /** Faults from one restart of the server to the next, where it can be restarted. */
  readonly restartEvery?: number;
  /** How often everything rests, and whoever does not know the truth then has lost something. */
  readonly calms: number;
  /** How long it may take to know the truth once everything rests. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly progress?: (line: string) => void;
}

/** How one watch layer fared. */
export interface SubjectResult extends Figures {
  readonly name: string;
  /** Keys that were wrong when its time was up, over all rests. */
  readonly lost: number;
  /** Rests after which it knew something wrong. */
  readonly failedCalms: number;
  /** ms from the rest until it knew the truth, of the rests after which it did. */
  readonly recoveryMs: readonly number[];
  readonly last: Difference;
  /** Why it ended, where it ended by itself. */
  readonly ended: string | undefined;
}

export interface FaultResult {
  readonly events: number;
  readonly faults: Readonly<Partial<Record<Fault, number>>>;
  readonly tookMs: number;
  readonly subjects: readonly SubjectResult[];
}

interface Run {
  readonly name: string;
  readonly subject: Subject;
  readonly proxy: FaultProxy;
  lost: number;
  failedCalms: number;
  failedInARow: number;
  readonly recoveryMs: number[];
  last: Difference;
  ended: string | undefined;
}

const lookEveryMs = 50;
/** Who knew something wrong after the last rest is not waited for as long as the others. */
const hopelessMs = 10_000;

/** Writes, breaks what lies between, and judges; aborted, it tells how far it came. Rejects where the server or the writer fails, not where a subject does. */
export async function runFaults(options: FaultRunOptions): Promise<FaultResult> {
  const { server, namespaces = allNamespaces, events, calms, signal, progress = () => undefined } = options;
  const dir = mkdtempSync(join(tmpdir(), 'keelson-faults-proxies-'));
  const pki = await openPki(undefined, { clock: systemClock });
  const runs: Run[] = [];
  let transport: HttpTransport = httpTransport(await loadKubeconfig(server.kubeconfig), { requestTimeoutMs: 20_000 });
  const began = performance.now();
  const faults: Partial<Record<Fault, number>> = {};
  try {
    const { keysPerNamespace, seed } = options;
    const writer = new Writer({ client: createClient(transport), namespaces, keysPerNamespace, seed, concurrency: 32 });
    await writer.prepare();
    for (const [name, start] of Object.entries(options.subjects)) {
      const proxy = await FaultProxy.start({ upstream: server.upstream, pki });
      const kubeconfig = join(dir, `${name}.kubeconfig`);
      writeFileSync(kubeconfig, proxy.kubeconfig, { mode: 0o600 });
      const subject = await start({ kubeconfig, namespaces });
      const last: Difference = { missing: 0, stale: 0, extra: 0, examples: [] };
      const none = { lost: 0, failedCalms: 0, failedInARow: 0, recoveryMs: [], last, ended: undefined };
      runs.push({ name, subject, proxy, ...none });
    }
    const restart = async () => {
      await server.restart?.();
      transport.close();
      transport = httpTransport(await loadKubeconfig(server.kubeconfig), { requestTimeoutMs: 20_000 });
      writer.client = createClient(transport);
      for (const { proxy } of runs) proxy.upstream = server.upstream;
    };
    const restartEvery = server.restart ? options.restartEvery : undefined;
    const plan = [...makePlan({ ...options, restartEvery })];
    const all = async () => {
      for (let calm = 1; calm <= calms; calm++) {
        const goal = Math.ceil((events / calms) * calm);
        while (plan[0] && plan[0].at < goal) {
          const { at, fault, which } = plan.shift()!;
          await writer.until(at, signal);
          faults[fault] = (faults[fault] ?? 0) + 1;
          if (fault !== 'restart') for (const { proxy } of runs) proxy.apply(fault, which);
          // Writing goes on meanwhile, and fails: what a writer does not know it asks for.
          else await Promise.all([restart(), writer.until(at + 200, signal)]);
        }
        await writer.until(goal, signal);
        for (const { proxy } of runs) proxy.calm();
        await Promise.all(runs.map((each) => judge(each, writer, options)));
        const told = runs.map(
          (each) =>
            `${each.name} ${each.failedInARow > 0 ? `wrong in ${wrongKeys(each.last)}` : `${each.recoveryMs.at(-1)?.toFixed(0)} ms`}`,
        );
        const seconds = (performance.now() - began) / 1_000;
        progress(
          `${writer.written} events, ${Object.values(faults).reduce((sum, each) => sum + each, 0)} faults, ${seconds.toFixed(0)} s: ${told.join(', ')}`,
        );
      }
    };
    try {
      await all();
    } catch (error) {
      // Who stops it wants to see how far it came.
      if (!signal.aborted) throw error;
    }
    const subjects = await Promise.all(runs.map(resultOf));
    return { events: writer.written, faults, tookMs: performance.now() - began, subjects };
  } finally {
    for (const { subject, proxy } of runs) {
      await subject.stop();
      await proxy.close();
    }
    transport.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Waits until it knows the truth, or its time is up. */
async function judge(run: Run, writer: Writer, { patienceMs, signal }: FaultRunOptions): Promise<void> {
  const { truth } = writer;
  const began = performance.now();
  const patience = run.failedInARow > 0 ? Math.min(hopelessMs, patienceMs) : patienceMs;
  try {
    for (;;) {
      signal.throwIfAborted();
      run.last = await run.subject.compare(truth);
      const wrong = wrongKeys(run.last);
      const tookMs = performance.now() - began;
      if (wrong === 0) {
        run.recoveryMs.push(tookMs);
        run.failedInARow = 0;
        return;
      }
      if (tookMs > patience) {
        run.lost += wrong;
        run.failedCalms += 1;
        run.failedInARow += 1;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  } catch (error) {
    if (signal.aborted) throw error;
    run.ended ??= error instanceof Error ? error.message : String(error);
    const keys = Object.keys(truth).length;
    run.last = { missing: keys, stale: 0, extra: 0, examples: [run.ended] };
    run.lost += keys;
    run.failedCalms += 1;
    run.failedInARow += 1;
  }
}

async function resultOf({ name, subject, lost, failedCalms, recoveryMs, last, ended }: Run): Promise<SubjectResult> {
  const none = { told: 0, outOfOrder: 0, unseenDeletions: 0, restarts: 0, memory: 0, longestBlockMs: 0 };
  let why = ended;
  let figures: Figures = none;
  try {
    if (why === undefined) figures = await subject.figures();
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  return { name, lost, failedCalms, recoveryMs, last, ended: why, ...figures };
}

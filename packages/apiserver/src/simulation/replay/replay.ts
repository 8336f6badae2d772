import type { Recording } from '@keelson/core/recording';
import { shrinkParts } from '../shrink.ts';
import { type Failure, isSame, Violation } from '../simulated-world.ts';
import { differencesBetween, type ReplayDifference } from './differences.ts';
import { historyOf } from './history-of.ts';
import { planOf, type ReplayPlan } from './replay-plan.ts';
import { type Replayed, ReplayRun } from './replay-run.ts';

/** How a recording is played, and what must hold meanwhile. */
export interface ReplayOptions {
  /** How many runs may be made to find the shortest part of the recording that violates an invariant. Default 200. */
  readonly shrinkRuns?: number;
  readonly signal?: AbortSignal;
}

/** What came of a replay. */
export interface ReplayReport {
  readonly operator: string;
  /** When the recording begins and ends; milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Reconciles of then, and of now. */
  readonly recorded: number;
  readonly replayed: number;
  /** Where the operator behaves otherwise than then, in the order of then. */
  readonly differences: readonly ReplayDifference[];
  /** Changes by others that could not be played, since what they were made to is not there now. */
  readonly unplayed: readonly string[];
  /** Lines that the recording says are missing. */
  readonly dropped: number;
}

/** An invariant was violated. The message tells what of the recording is enough for it, and all that happened. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
  readonly invariant: string;
  /** What happened in the shortest run that violates it. */
  readonly timeline: readonly string[];
  /** Of the whole recording. */
  readonly report: ReplayReport;

  constructor(failure: Failure, plan: ReplayPlan, whole: ReplayPlan, report: ReplayReport) {
    super(
      `${failure.invariant}: ${failure.message}\n` +
        `${plan.changes.length} of ${counted(whole.changes, 'change')} by others and ${plan.faults.length} of ${counted(whole.faults, 'disturbance')} are enough. What happened:\n` +
        failure.timeline.map((each) => `  ${each}`).join('\n'),
    );
    this.invariant = failure.invariant;
    this.timeline = failure.timeline;
    this.report = report;
  }
}

const counted = (all: readonly unknown[], what: string) => `${all.length} ${what}${all.length === 1 ? '' : 's'}`;

/**
 * Runs operators on what was recorded of them, in virtual time: the cluster as it was, what others did when they did it,
 * late events, refusals, lost answers and restarts. Says where they write something else than they did.
 * @throws ReplayError where an invariant is violated, with the shortest part of the recording that does so
 */
export async function replay(
  recording: Recording,
  replayed: Replayed,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  const { shrinkRuns = 200, signal } = options;
  const history = historyOf(recording.lines);
  const whole = planOf(history);
  const { failure, ...seen } = await runOnce(whole, true);
  const now = historyOf(seen.lines);
  const report: ReplayReport = {
    operator: recording.operator,
    startedAt: history.startedAt,
    endedAt: history.endedAt,
    recorded: history.reconciles.length,
    replayed: now.reconciles.length,
    // What happened in the last millisecond happens after its beginning now.
    differences: differencesBetween(history.reconciles, now.reconciles, history.endedAt + 1),
    unplayed: seen.unplayed,
    dropped: history.dropped,
  };
  if (!failure) return report;
  let left = shrinkRuns;
  const same = async (smaller: ReplayPlan) => {
    left -= 1;
    return isSame(failure, (await runOnce(smaller)).failure);
  };
  const shortest = await shrinkParts(whole, ['changes', 'faults'], same, () => left > 0 && !signal?.aborted);
  throw new ReplayError((await runOnce(shortest)).failure ?? failure, shortest, whole, report);

  async function runOnce(plan: ReplayPlan, toTheEnd = false) {
    signal?.throwIfAborted();
    const run = new ReplayRun(history, plan, replayed);
    try {
      await run.play(toTheEnd);
      return { ...outcomeOf(run), failure: undefined };
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      const { invariant, message, thrown } = error;
      return { ...outcomeOf(run), failure: { invariant, message, thrown, timeline: run.timeline } };
    } finally {
      await run.end();
    }
  }
}

const outcomeOf = (run: ReplayRun) => ({
  lines: run.lines,
  unplayed: run.unplayed.map(({ how, kind, key }) => `${kind.resource} ${key} was ${how}`),
});

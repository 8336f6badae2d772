import type { Probe } from '@keelson/core/api';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

/** How a probe went so far: the verdict that holds, and the run of equal results since. */
export interface Tally {
  readonly verdict: 'success' | 'failure' | undefined;
  readonly last: 'success' | 'failure' | undefined;
  readonly run: number;
}

/** Before the first verdict a container is alive, but not ready and not started. */
export function initialTally(kind: ProbeKind): Tally {
  return { verdict: kind === 'readiness' ? 'failure' : undefined, last: undefined, run: 0 };
}

/**
 * Counts one result: the verdict changes after `successThreshold` or `failureThreshold` equal results in a row. An
 * unknown result counts for nothing.
 */
export function tally(before: Tally, kind: ProbeKind, probe: Probe, result: 'success' | 'failure' | 'unknown'): Tally {
  if (result === 'unknown') return before;
  const run = before.last === result ? before.run + 1 : 1;
  const threshold =
    result === 'success' ? (kind === 'readiness' ? (probe.successThreshold ?? 1) : 1) : (probe.failureThreshold ?? 3);
  return { verdict: run >= threshold ? result : before.verdict, last: result, run };
}

import { seededRandom } from '@keelson/core/testing';

/** What can happen to one request of an operator, or to one delivery of a watch. */
export type FaultKind =
  /** The request never reaches the server. */
  | 'lost-request'
  /** It takes effect, and its answer is lost. */
  | 'lost-answer'
  /** A write is refused as one that was made from an older state. */
  | 'conflict'
  | 'throttled'
  | 'server-error'
  /** It waits before it reaches the server. */
  | 'slow'
  /** The process dies before a write takes effect, or right after, before it learns of that. */
  | 'crash-before'
  | 'crash-after'
  /** Nothing of the process reaches the server for a while; what it leads somebody else may lead by then. */
  | 'partition'
  /** The process's clock jumps. */
  | 'clock-jump'
  /** Events come late: the cache shows an old state. */
  | 'stale-view'
  | 'watch-cut'
  /** The watch is cut, and its history is gone: everything is listed anew. */
  | 'watch-expired';

type Decision = 'read' | 'write' | 'watch';

/** What may happen where, and how often beside the others. */
const possible: Readonly<Record<FaultKind, readonly Decision[]>> = {
  'lost-request': ['read', 'write'],
  'lost-answer': ['write'],
  conflict: ['write'],
  throttled: ['read', 'write'],
  'server-error': ['read', 'write'],
  slow: ['read', 'write'],
  'crash-before': ['write'],
  'crash-after': ['write'],
  partition: ['read', 'write'],
  'clock-jump': ['read', 'write'],
  'stale-view': ['watch'],
  'watch-cut': ['watch'],
  'watch-expired': ['watch'],
};
/** Every kind of fault. */
export const faultKinds = Object.keys(possible).filter((each): each is FaultKind => each in possible);

/** The fault of one decision: the `at`th request, or the `at`th delivery of a watch, of all operators together. */
export interface Fault {
  readonly on: 'request' | 'watch';
  readonly at: number;
  readonly kind: FaultKind;
  /** How long, or how far; virtual milliseconds. */
  readonly ms: number;
  /** Of the error, where it is to be a certain one. */
  readonly message?: string;
}

/** A step of the users' and when it is done: milliseconds of virtual time after the one before. */
export interface PlannedStep {
  readonly step: number;
  readonly afterMs: number;
}

/** All that chance decides in one run. The same plan gives the same run. */
export interface Plan {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly steps: readonly PlannedStep[];
}

/** Decisions beyond these have no faults: every run calms down. */
const faultyDecisions = 300;
const longestPauseMs = 20_000;

/**
 * @param kinds those that may happen; each run has some of them only, so that rare ones are not drowned by frequent ones
 * @param rate of decisions that have a fault, at most
 */
export function makePlan(seed: number, steps: number, kinds: readonly FaultKind[], rate: number): Plan {
  const random = seededRandom(seed);
  const chosen = kinds.filter(() => random() < 0.5);
  const share = rate * random();
  const faults: Fault[] = [];
  for (const on of ['request', 'watch'] as const) {
    const fitting = chosen.filter((kind) => possible[kind].some((each) => (each === 'watch') === (on === 'watch')));
    for (let at = 0; at < faultyDecisions && fitting.length > 0; at += 1) {
      if (random() >= share) continue;
      const kind = fitting[Math.floor(random() * fitting.length)]!;
      faults.push({ on, at, kind, ms: Math.round(10 ** (1 + 3.5 * random())) });
    }
  }
  const planned = Array.from({ length: steps }, (_, step) => ({
    step,
    // Some come at once, some after everything has settled.
    afterMs: random() < 0.4 ? Math.round(random() * 50) : Math.round(random() * longestPauseMs),
  }));
  return { seed, faults, steps: planned };
}

/** Whether this fault can happen to this decision. */
export function fits(kind: FaultKind, decision: Decision): boolean {
  return possible[kind].includes(decision);
}

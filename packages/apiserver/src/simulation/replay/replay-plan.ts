import type { ForeignChange, History, RecordedCall, RecordedObject, RecordedWatch } from './history.ts';

/** Something that went wrong then, and does so again. */
export type RecordedFault =
  | { readonly what: 'answer'; readonly call: RecordedCall }
  /** The operator saw late what had been done. */
  | { readonly what: 'late-change'; readonly change: ForeignChange }
  | { readonly what: 'late-write'; readonly call: RecordedCall }
  | { readonly what: 'watch-ended'; readonly watch: RecordedWatch }
  /** The process ended, and another one began; by its number. */
  | { readonly what: 'restart'; readonly session: number };

/** All that is played of a recording. */
export interface ReplayPlan {
  readonly initial: readonly RecordedObject[];
  readonly changes: readonly ForeignChange[];
  readonly faults: readonly RecordedFault[];
}

/** What the simulated server answers as the real one did, as it depends on nothing but what is stored. */
const natural: ReadonlySet<string> = new Set(['NotFound', 'AlreadyExists']);

/** Whether the operator saw it later than it was done. */
export const isLate = (of: RecordedCall | ForeignChange): boolean =>
  of.seenAt !== undefined && of.seenAt > ('effectAt' in of ? of.effectAt : of.at);

export function planOf({ initial, changes, calls, watches, sessions }: History): ReplayPlan {
  const faults: RecordedFault[] = [];
  for (const call of calls) {
    const { error } = call.request;
    if (error && !(error.reason !== undefined && natural.has(error.reason))) faults.push({ what: 'answer', call });
    if (isLate(call)) faults.push({ what: 'late-write', call });
  }
  for (const change of changes) if (isLate(change)) faults.push({ what: 'late-change', change });
  for (const watch of watches) if (watch.endedAt !== undefined) faults.push({ what: 'watch-ended', watch });
  for (const session of sessions.keys()) if (session > 0) faults.push({ what: 'restart', session });
  return { initial, changes, faults };
}

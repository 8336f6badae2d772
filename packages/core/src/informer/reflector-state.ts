import { isStatusError } from '../machinery/index.ts';

/**
 * Where a reflector stands. `attempt` counts failures since the last thing that went well, and sets the back-off.
 * The rules are those that Kubernetes documents for clients (kubernetes.io/docs/reference/using-api/api-concepts,
 * "Efficient detection of changes" and "410 Gone responses").
 */
export type ReflectorState =
  | { readonly phase: 'list'; readonly attempt: number }
  | { readonly phase: 'watch'; readonly attempt: number; readonly resourceVersion: string };

/** What came of the list or watch that the state asked for. */
export type ReflectorOutcome =
  | { readonly type: 'listed'; readonly resourceVersion: string }
  | {
      readonly type: 'ended';
      /** The last one seen, of an event or a bookmark. */
      readonly resourceVersion: string;
      /** Events that the watch carried, bookmarks included. */
      readonly events: number;
      readonly lastedMs: number;
      /** Absent when the server ended the watch as usual. */
      readonly error?: unknown;
    }
  | { readonly type: 'listFailed'; readonly error: unknown };

export interface ReflectorStep {
  readonly next: ReflectorState;
  /** How long to wait before it. */
  readonly waitMs: number;
}

export const initialState: ReflectorState = { phase: 'list', attempt: 0 };

/** Shorter watches without any event mean that something refuses them: resuming at once would be a hot loop. */
const shortestUsefulWatchMs = 1_000;
const firstBackOffMs = 800;
const longestBackOffMs = 30_000;

/** @param random in [0, 1) */
export function nextStep(state: ReflectorState, outcome: ReflectorOutcome, random: number): ReflectorStep {
  if (outcome.type === 'listed') {
    return { next: { phase: 'watch', attempt: 0, resourceVersion: outcome.resourceVersion }, waitMs: 0 };
  }
  if (outcome.type === 'listFailed') {
    return {
      next: { phase: 'list', attempt: state.attempt + 1 },
      waitMs: backOffMs(state.attempt, outcome.error, random),
    };
  }
  const { resourceVersion, events, lastedMs, error } = outcome;
  const useful = events > 0 || (error === undefined && lastedMs >= shortestUsefulWatchMs);
  const attempt = useful ? 0 : state.attempt;
  if (needsList(error)) {
    // The first loss of history is ordinary; a second one right after a list is not, and must not become a loop of lists.
    return {
      next: { phase: 'list', attempt: attempt + 1 },
      waitMs: attempt === 0 && isLost(error) ? 0 : backOffMs(attempt, error, random),
    };
  }
  if (error === undefined && useful) return { next: { phase: 'watch', attempt: 0, resourceVersion }, waitMs: 0 };
  return {
    next: { phase: 'watch', attempt: attempt + 1, resourceVersion },
    waitMs: backOffMs(attempt, error, random),
  };
}

/** The history that the watch wanted is gone. */
function isLost(error: unknown): boolean {
  return isStatusError(error) && error.code === 410;
}

/** Whether resuming cannot help: the server no longer has the revision, or answers in a way that a fresh list explains better. */
function needsList(error: unknown): boolean {
  if (!isStatusError(error)) return false;
  if (/too large resource version/i.test(error.message)) return true;
  return error.code >= 400 && error.code < 500 && error.code !== 429 && error.code !== 408;
}

/** 0.8 s doubled at each attempt up to 30 s, then up to as much again by chance; never less than the server asks for. */
export function backOffMs(attempt: number, error: unknown, random: number): number {
  const exponential = Math.min(longestBackOffMs, firstBackOffMs * 2 ** Math.min(attempt, 10));
  const asked = isStatusError(error) ? (error.status.details?.retryAfterSeconds ?? 0) * 1_000 : 0;
  return Math.max(asked, Math.round(exponential * (0.5 + 0.5 * random)));
}

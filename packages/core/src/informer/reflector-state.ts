import { isStatusError } from '../machinery/index.ts';

/**
 * Where a reflector stands. `failures` counts those since the last thing that went well, and sets the back-off.
 * The rules are those that Kubernetes documents for clients (kubernetes.io/docs/reference/using-api/api-concepts,
 * "Efficient detection of changes", "Streaming lists" and "410 Gone responses").
 */
export type ReflectorState =
  /** A watch that begins with everything there is, and goes on as a watch: no list is held in memory on either side. */
  | { readonly phase: 'stream'; readonly failures: number }
  /** For servers that do not stream lists: page by page, or `undivided` where pages expire before they are asked for. */
  | { readonly phase: 'list'; readonly failures: number; readonly undivided?: true }
  | {
      readonly phase: 'watch';
      readonly failures: number;
      readonly resourceVersion: string;
      /** Whether the server streams lists, when it comes to that again. */
      readonly streams: boolean;
    };

/** What came of what the state asked for. */
export type ReflectorOutcome =
  | { readonly type: 'listed'; readonly resourceVersion: string }
  | { readonly type: 'listFailed'; readonly error: unknown }
  /** A stream or watch is over. */
  | {
      readonly type: 'ended';
      /** Up to which everything is known, by an event or a bookmark; `undefined` where the stream had not come to its end. */
      readonly resourceVersion: string | undefined;
      /** Events that it carried, bookmarks included. */
      readonly events: number;
      readonly lastedMs: number;
      /** Absent when the server ended it as usual. */
      readonly error?: unknown;
    };

export interface ReflectorStep {
  readonly next: ReflectorState;
  /** How long to wait before it. */
  readonly waitMs: number;
}

export const initialState: ReflectorState = { phase: 'stream', failures: 0 };

/** The server sends what was asked for, and does not say where it ends: it is older than streamed lists. */
export class UnmarkedStreamError extends Error {
  override readonly name = 'UnmarkedStreamError';
  constructor() {
    super('the server does not mark the end of the initial events');
  }
}

/** Shorter watches without any event mean that something refuses them: resuming at once would be a hot loop. */
const shortestUsefulWatchMs = 1_000;
const firstBackOffMs = 800;
const longestBackOffMs = 30_000;
/** A kind that is not served may be at any moment, and to ask costs little. */
const longestMissingMs = 5_000;
/** So many streams that broke off before their end, and pages are tried: some proxies cut long answers. */
const mostBrokenStreams = 3;

/** @param random in [0, 1) */
export function nextStep(state: ReflectorState, outcome: ReflectorOutcome, random: number): ReflectorStep {
  if (outcome.type === 'listed') {
    const { resourceVersion } = outcome;
    return { next: { phase: 'watch', failures: 0, resourceVersion, streams: false }, waitMs: 0 };
  }
  if (outcome.type === 'listFailed') return afterFailedList(state, outcome.error, random);
  if (outcome.resourceVersion === undefined) return afterBrokenStream(state, outcome.error, random);
  return afterWatch(state, { ...outcome, resourceVersion: outcome.resourceVersion }, random);
}

function afterFailedList({ failures, ...state }: ReflectorState, error: unknown, random: number): ReflectorStep {
  // A page has expired, or the whole took longer than the server remembers: only an undivided list is sure to end.
  const expired = isLost(error);
  const undivided = expired || ('undivided' in state && state.undivided);
  return {
    next: { phase: 'list', failures: failures + 1, ...(undivided && { undivided }) },
    waitMs: expired && failures === 0 ? 0 : backOffMs(failures, error, random),
  };
}

function afterBrokenStream({ failures }: ReflectorState, error: unknown, random: number): ReflectorStep {
  if (refusesStream(error)) return { next: { phase: 'list', failures }, waitMs: 0 };
  const phase = failures + 1 >= mostBrokenStreams && !isStatusError(error) ? 'list' : 'stream';
  return { next: { phase, failures: failures + 1 }, waitMs: backOffMs(failures, error, random) };
}

function afterWatch(
  state: ReflectorState,
  outcome: Extract<ReflectorOutcome, { type: 'ended' }> & { readonly resourceVersion: string },
  random: number,
): ReflectorStep {
  const { resourceVersion, events, lastedMs, error } = outcome;
  const streams = state.phase === 'watch' ? state.streams : state.phase === 'stream';
  // One that was silent for minutes and then lost may have been quiet only: back-off is against what fails in a loop.
  const useful = events > 0 || lastedMs >= (error === undefined ? shortestUsefulWatchMs : longestBackOffMs);
  const failures = useful ? 0 : state.failures;
  if (needsList(error)) {
    // The first loss of history is ordinary; a second one right after a list is not, and must not become a loop of lists.
    return {
      next: { phase: streams ? 'stream' : 'list', failures: failures + 1 },
      waitMs: failures === 0 && isLost(error) ? 0 : backOffMs(failures, error, random),
    };
  }
  const resumed = { phase: 'watch', resourceVersion, streams } as const;
  if (error === undefined && useful) return { next: { ...resumed, failures: 0 }, waitMs: 0 };
  return { next: { ...resumed, failures: failures + 1 }, waitMs: backOffMs(failures, error, random) };
}

/** The history that was wanted is gone. */
function isLost(error: unknown): boolean {
  return isStatusError(error) && error.code === 410;
}

/** The server knows no streamed lists, or has them switched off; 422 names `sendInitialEvents`. */
function refusesStream(error: unknown): boolean {
  if (error instanceof UnmarkedStreamError) return true;
  return isStatusError(error) && (error.code === 400 || error.code === 405 || error.code === 422);
}

/** Whether resuming cannot help: the server no longer has the revision, or answers in a way that a fresh list explains better. */
function needsList(error: unknown): boolean {
  if (!isStatusError(error)) return false;
  if (/too large resource version/i.test(error.message)) return true;
  return error.code >= 400 && error.code < 500 && error.code !== 429 && error.code !== 408;
}

/** 0.8 s doubled at each failure up to 30 s, half of it by chance; never less than the server asks for. */
export function backOffMs(failures: number, error: unknown, random: number): number {
  const longest = isStatusError(error, 'NotFound') ? longestMissingMs : longestBackOffMs;
  const exponential = Math.min(longest, firstBackOffMs * 2 ** Math.min(failures, 10));
  const asked = isStatusError(error) ? (error.status.details?.retryAfterSeconds ?? 0) * 1_000 : 0;
  return Math.max(asked, Math.round(exponential * (0.5 + 0.5 * random)));
}

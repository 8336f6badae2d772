/** Time as a contract: production uses `systemClock`, tests a clock that is moved by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `ms`; the function returned cancels it. Timers do not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
  /** Resolves after `ms`; rejects with `signal.reason` if aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness as a contract: a number in [0, 1). */
export type Random = () => number;

let lastSecond = Number.NaN;
let lastText = '';

/** `metav1.Time`: RFC 3339 with whole seconds, in UTC. */
export function timestamp(clock: Clock): string {
  const second = Math.floor(clock.now() / 1000);
  // All that is written within a second says the same.
  if (second !== lastSecond) {
    lastText = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** `metav1.MicroTime`: RFC 3339 with six decimals, in UTC. */
export function microTimestamp(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 23)}000Z`;
}

import { holdProcess, systemClock } from '../machinery/index.ts';

/** How long is waited, and for what. */
export interface WaitForOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /** How long to wait between two looks; default 10. */
  readonly intervalMs?: number;
  /** What is waited for, for the error. */
  readonly what?: string;
  readonly signal?: AbortSignal;
}

/**
 * Asks again and again until the condition gives something other than `undefined` or `false`, and resolves to that.
 * A condition that throws counts as not yet fulfilled; its last error is the `cause` of the time-out.
 */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  options: WaitForOptions = {},
): Promise<T> {
  const { timeoutMs = 10_000, intervalMs = 10, what = 'the condition', signal } = options;
  const end = systemClock.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    let cause: unknown;
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      cause = error;
    }
    if (systemClock.now() >= end) throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause });
    const release = holdProcess();
    await systemClock.sleep(intervalMs, signal).finally(release);
  }
}

import { createHook } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';

/** Whoever else waits notices it. */
export const longestTurnMs = 50;

/** Takes the time of turns of the event loop: slow, so only while a reconcile runs in development. */
export class TurnWatch {
  readonly #tooLong: (ms: number) => void;
  readonly #hook = createHook({
    before: () => {
      this.#began = this.#now();
    },
    after: () => this.#end(this.#began),
  });
  #began = 0;
  #excludedMs = 0;

  /** @param tooLong called within a turn that took more than 50 ms, at its end */
  constructor(tooLong: (ms: number) => void) {
    this.#tooLong = tooLong;
  }

  start(): void {
    this.#began = this.#now();
    this.#hook.enable();
  }

  stop(): void {
    this.#hook.disable();
  }

  /** What `act` does before it waits for the first time, which is a part of somebody else's turn. */
  measured<R>(act: () => R, tooLong: (ms: number) => void): R {
    const began = this.#now();
    const result = act();
    const ms = this.#now() - began;
    if (ms > longestTurnMs) tooLong(ms);
    return result;
  }

  /** What `act` does before it waits is no part of the turn. */
  excluded<R>(act: () => R): R {
    const began = performance.now();
    try {
      return act();
    } finally {
      this.#excludedMs += performance.now() - began;
    }
  }

  #end(began: number): void {
    const ms = this.#now() - began;
    if (ms > longestTurnMs) this.#tooLong(ms);
  }

  #now(): number {
    return performance.now() - this.#excludedMs;
  }
}

import type { Clock } from '@keelson/core';

/** A request that found no seat: 429, in plain text and not as a Status, as by Kubernetes. */
export class FlowRefusal extends Error {
  override readonly name = 'FlowRefusal';
}

export const refusalText = 'Too many requests, please try again later.\n';
export const retryAfterSeconds = '1';

/** So many refusals a second are told at once. */
const promptPerSecond = 100;
/** As long as the answer says that its client should wait. */
const heldMs = 1000;
/** So many are held at a time; more are told at once, lest they fill the memory. */
const mostHeld = 20_000;

/**
 * How long an answer of refusal is held back. Who asks again at once, whatever it is told, would keep the server busy with
 * refusing alone; a client that minds `Retry-After` loses nothing.
 */
export class RefusalPace {
  readonly #clock: Clock;
  #second = Number.NaN;
  #told = 0;
  #held = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the refusal may be told, or the client has gone; undefined: at once. */
  wait(signal: () => AbortSignal): Promise<void> | undefined {
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#told = 0;
    }
    if (this.#told < promptPerSecond || this.#held >= mostHeld) {
      this.#told++;
      return undefined;
    }
    this.#held++;
    const gone = signal();
    return new Promise((resolve) => {
      const settle = () => {
        cancel();
        gone.removeEventListener('abort', settle);
        this.#held--;
        resolve();
      };
      const cancel = this.#clock.after(heldMs, settle);
      gone.addEventListener('abort', settle, { once: true });
    });
  }
}

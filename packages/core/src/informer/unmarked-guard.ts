import type { Clock } from '../machinery/index.ts';
import { UnmarkedStreamError } from './reflector-state.ts';

/** So long after the last of the initial events their end is marked, or the server does not do that. */
const unmarkedMs = 10_000;
/** The first of them may wait in a queue of the server. */
const unmarkedBeforeFirstMs = 30_000;

/**
 * Ends a stream whose initial events come to no end: a server that knows nothing of streamed lists sends what there is
 * and goes on with changes, and one without bookmarks never says that it has come so far.
 */
export class UnmarkedGuard {
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  readonly #abort = new AbortController();
  readonly #follow = () => this.#abort.abort(this.#outer.reason);
  #deadline: number;
  #cancelTimer: () => void;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#outer = signal;
    if (signal.aborted) this.#follow();
    signal.addEventListener('abort', this.#follow, { once: true });
    this.#deadline = clock.now() + unmarkedBeforeFirstMs;
    this.#cancelTimer = this.#arm(unmarkedBeforeFirstMs);
  }

  /** Follows the other one, also when the end has been marked. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** There was one more. */
  more(): void {
    const before = this.#deadline;
    this.#deadline = this.#clock.now() + unmarkedMs;
    // The first one brings it forward; for each of the others a timer would be too much.
    if (this.#deadline >= before) return;
    this.#cancelTimer();
    this.#cancelTimer = this.#arm(unmarkedMs);
  }

  /** The end is marked; what comes after it counts no more. */
  cancel(): void {
    this.#deadline = Number.NEGATIVE_INFINITY;
    this.#cancelTimer();
  }

  /** The stream is over. */
  close(): void {
    this.cancel();
    this.#outer.removeEventListener('abort', this.#follow);
  }

  #arm(ms: number): () => void {
    return this.#clock.after(ms, () => {
      const leftMs = this.#deadline - this.#clock.now();
      if (leftMs > 0) this.#cancelTimer = this.#arm(leftMs);
      else this.#abort.abort(new UnmarkedStreamError());
    });
  }
}

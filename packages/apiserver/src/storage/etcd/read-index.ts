import type { Revision } from '../contract.ts';

/** Reads that may be under way at once; whoever comes later waits for the next. */
const mostAtOnce = 4;

/**
 * Shares cheap linearizable reads among those who ask at the same time: an answer is good for everybody who asked before
 * the question was sent.
 */
export class ReadIndex {
  readonly #ask: () => Promise<Revision>;
  #running = 0;
  #next: Promise<Revision> | undefined;
  #waiting: (() => void)[] = [];

  constructor(ask: () => Promise<Revision>) {
    this.#ask = ask;
  }

  /** A revision that is not older than any write acknowledged before the call. */
  current(): Promise<Revision> {
    this.#next ??= this.#send();
    return this.#next;
  }

  async #send(): Promise<Revision> {
    // All who ask in this turn join.
    await Promise.resolve();
    if (this.#running >= mostAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#next = undefined;
    this.#running++;
    try {
      return await this.#ask();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}

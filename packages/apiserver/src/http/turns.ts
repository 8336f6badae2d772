/** Pieces of long answers that are made in one turn of the event loop, of a quarter of a megabyte each. */
const piecesPerTurn = 4;

/**
 * Deals out the turns of the event loop to those who make long answers. However many there are, what is short waits for
 * no more than a few pieces.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = 0;
  #scheduled = false;

  /** Undefined: go on at once; else wait for it. */
  take(): Promise<void> | undefined {
    this.#schedule();
    if (this.#taken < piecesPerTurn) {
      this.#taken++;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const next = this.#waiting.splice(0, piecesPerTurn);
      this.#taken = next.length;
      if (next.length > 0) this.#schedule();
      for (const each of next) each();
    });
  }
}

/** One for all answers: they share one event loop. */
export const turns = new Turns();

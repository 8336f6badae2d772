/** Whether a client has gone before it was answered, as a signal for those who ask: most requests end without. */
export class Departure {
  #controller: AbortController | undefined;
  #state: 'waiting' | 'gone' | 'answered' = 'waiting';

  /** Aborts when the client goes. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#state === 'gone') this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Every answer closes: an abort that nobody waits for any more would cost an exception and its stack each time. */
  answered(): void {
    this.#state = 'answered';
  }

  closed(): void {
    if (this.#state === 'answered') return;
    this.#state = 'gone';
    this.#controller?.abort();
  }
}

import type { Seat } from './priority-level.ts';

/**
 * What a request holds of its priority level. While its client keeps it waiting it holds nothing: seats are for what
 * the server itself has to do.
 */
export class Stay implements Seat {
  readonly #enter: () => Seat | Promise<Seat>;
  #seat: Seat | undefined;
  #over = false;

  /** @param enter gets the seat again after a pause; rejects as the first time */
  constructor(seat: Seat, enter: () => Seat | Promise<Seat>) {
    this.#seat = seat;
    this.#enter = enter;
  }

  /** Gives the seat back until `resume`. */
  pause(): void {
    this.#seat?.finish();
    this.#seat = undefined;
  }

  /** Waits for a seat, if there was a pause; undefined: there was none. Rejects with `FlowRefusal`. */
  resume(): Promise<void> | undefined {
    return this.#seat || this.#over ? undefined : this.#again();
  }

  /** For good. */
  finish(): void {
    this.#over = true;
    this.pause();
  }

  async #again(): Promise<void> {
    const seat = await this.#enter();
    if (this.#over) seat.finish();
    else this.#seat = seat;
  }
}

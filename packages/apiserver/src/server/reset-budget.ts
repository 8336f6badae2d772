/** nghttp2 tolerates 1000 and 33 (CVE-2023-44487), but then leaves the connection open, on which it answers no more. */
const burst = 900;
const perSecond = 33;

/** How many requests of one connection may be taken back before they were answered. */
export class ResetBudget {
  #left = burst;
  #at: number;

  /** @param now milliseconds since the epoch */
  constructor(now: number) {
    this.#at = now;
  }

  /** Whether one more may be. */
  spend(now: number): boolean {
    this.#left = Math.min(burst, this.#left + ((now - this.#at) / 1000) * perSecond);
    this.#at = now;
    this.#left--;
    return this.#left >= 0;
  }
}

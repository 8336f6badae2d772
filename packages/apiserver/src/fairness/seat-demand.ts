/** What a level could have used of seats over a time: waiting and in use. */
export interface DemandStatistics {
  readonly average: number;
  /** Standard deviation. */
  readonly deviation: number;
  readonly highest: number;
}

/** Adds up, over time, how many seats are asked for. Times are in milliseconds. */
export class SeatDemand {
  #since: number;
  #changed: number;
  #value = 0;
  #sum = 0;
  #squares = 0;
  #highest = 0;

  constructor(now: number) {
    this.#since = now;
    this.#changed = now;
  }

  set(value: number, now: number): void {
    this.#advance(now);
    this.#value = value;
    if (value > this.#highest) this.#highest = value;
  }

  /** What there was since the last time that this was asked. */
  take(now: number): DemandStatistics {
    this.#advance(now);
    const span = now - this.#since;
    const average = span > 0 ? this.#sum / span : this.#value;
    const variance = span > 0 ? this.#squares / span - average * average : 0;
    const statistics = { average, deviation: Math.sqrt(Math.max(0, variance)), highest: this.#highest };
    this.#since = now;
    this.#sum = 0;
    this.#squares = 0;
    this.#highest = this.#value;
    return statistics;
  }

  #advance(now: number): void {
    // Clocks are set back at times.
    const span = Math.max(0, now - this.#changed);
    this.#sum += this.#value * span;
    this.#squares += this.#value * this.#value * span;
    this.#changed = now;
  }
}

/** How slowly what was asked for once is forgotten. */
const memory = 0.977;

/** Rises at once, falls slowly. */
export function smoothed(before: number, { average, deviation }: DemandStatistics): number {
  const envelope = average + deviation;
  return Math.max(envelope, memory * before + (1 - memory) * envelope);
}

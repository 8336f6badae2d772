import type { Clock } from '../machinery/index.ts';

/** What client-go allows by default: so many at once, then one in five minutes, for each source and object. */
const burst = 25;
const msPerEvent = 300_000;
const mostRemembered = 4_096;

interface Allowance {
  left: number;
  at: number;
}

/** Keeps one source from flooding the API with events about one object. Forgets whom it has not seen for longest. */
export class EventSpamFilter {
  readonly #clock: Clock;
  readonly #allowances = new Map<string, Allowance>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether one more event of this source about this object may be written; counts it if so. */
  allows(key: string): boolean {
    const now = this.#clock.now();
    const known = this.#allowances.get(key);
    const left = known ? Math.min(burst, known.left + Math.max(0, now - known.at) / msPerEvent) : burst;
    const allowed = left >= 1;
    this.#allowances.delete(key);
    this.#allowances.set(key, { left: allowed ? left - 1 : left, at: now });
    if (this.#allowances.size > mostRemembered) {
      for (const oldest of this.#allowances.keys()) {
        this.#allowances.delete(oldest);
        break;
      }
    }
    return allowed;
  }
}

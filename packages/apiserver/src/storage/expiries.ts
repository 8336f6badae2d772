import type { Clock } from '@keelson/core/machinery';

/** What expires within so many milliseconds goes together. */
const slotMs = 5_000;

/** Which keys go by themselves, and when: tells of those whose time has come, some seconds late at most. */
export class Expiries {
  readonly #clock: Clock;
  readonly #expired: (keys: readonly string[]) => void;
  readonly #times = new Map<string, number>();
  readonly #slots = new Map<number, Set<string>>();
  #cancel: (() => void) | undefined;
  #closed = false;

  /** @param expired told of keys that are due; each is told of once, until it is set again */
  constructor(clock: Clock, expired: (keys: readonly string[]) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** Milliseconds since the epoch; undefined: never. */
  get(key: string): number | undefined {
    return this.#times.get(key);
  }

  /** Call at each change of a key: what does not expire any more is forgotten. */
  set(key: string, time: number | undefined): void {
    const before = this.#times.get(key);
    if (before === time) return;
    if (before !== undefined) {
      this.#times.delete(key);
      this.#slots.get(slotOf(before))?.delete(key);
    }
    if (time === undefined) return;
    this.#times.set(key, time);
    const slot = slotOf(time);
    let keys = this.#slots.get(slot);
    if (!keys) {
      keys = new Set();
      this.#slots.set(slot, keys);
    }
    keys.add(key);
    this.#schedule();
  }

  copyTo(other: Expiries): void {
    for (const [key, time] of this.#times) other.set(key, time);
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #schedule(): void {
    if (this.#cancel || this.#closed) return;
    this.#cancel = this.#clock.after(slotMs, () => {
      this.#cancel = undefined;
      this.#tick();
      if (this.#times.size > 0) this.#schedule();
    });
  }

  #tick(): void {
    const now = this.#clock.now();
    const due: string[] = [];
    for (const [slot, keys] of this.#slots) {
      if ((slot + 1) * slotMs > now && keys.size > 0) continue;
      this.#slots.delete(slot);
      for (const key of keys) {
        this.#times.delete(key);
        due.push(key);
      }
    }
    if (due.length > 0) this.#expired(due);
  }
}

const slotOf = (time: number) => Math.floor(time / slotMs);

import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../machinery/index.ts';
import { sleepOn } from '../machinery/index.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is moved: `await clock.advance(1_000)`. */
export class FakeClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  /** @param start milliseconds since the epoch; 2026-01-01T00:00:00Z unless given */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Timers that wait, and how long the next one still has to wait in milliseconds. */
  get pending(): { readonly timers: number; readonly nextInMs: number | undefined } {
    const next = this.#next();
    return { timers: this.#timers.size, nextInMs: next && next.at - this.#now };
  }

  /** Moves time forward, calling every timer that falls due in order of its time; promises settle before and after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let timer = this.#next(); timer !== undefined && timer.at <= end; timer = this.#next()) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.callback();
      await settle();
    }
    this.#now = end;
  }

  /**
   * Jumps from timer to timer until the condition holds.
   * @throws Error when `limitMs` of fake time (default ten minutes) have passed, or when nothing is left to wait for
   */
  async advanceUntil(condition: () => boolean, limitMs = 600_000): Promise<void> {
    const end = this.#now + limitMs;
    for (let idle = 0; ; ) {
      await settle();
      if (condition()) return;
      const next = this.#next();
      if (next === undefined) {
        // Work that goes through sockets or files takes turns of the event loop, not of this clock.
        if (++idle > 1_000) throw new Error('FakeClock: the condition does not hold and no timer is left');
        continue;
      }
      if (next.at > end) throw new Error(`FakeClock: the condition does not hold after ${limitMs} ms`);
      idle = 0;
      await this.advance(Math.max(0, next.at - this.#now));
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }
}

/** Work that goes on for ever, a turn at a time, is not waited for longer. */
const mostTurns = 1_000;

/**
 * Lets every promise that is already resolved run its continuations, and theirs; and work that gives others a turn of the
 * event loop from time to time, such as a list of thousands of objects, come to its end: to it no time passes.
 */
export async function settle(turns = 3): Promise<void> {
  for (let each = 0; each < turns; each += 1) await turn();
  for (let each = turns; each < mostTurns && worksInTurns(); each += 1) await turn();
}

const worksInTurns = () => process.getActiveResourcesInfo().includes('Immediate');

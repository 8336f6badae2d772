import { CompactedError, type Revision, SlowWatcherError, type StorageEvent } from './contract.ts';
import type { RevisionIndex } from './revision-index.ts';

const largestBatch = 1000;

/**
 * Watches as positions in the index's history: nothing is buffered per watcher, so a slow one costs no memory and is
 * told so when it lags too far.
 */
export class EventFeed {
  private readonly index: RevisionIndex;
  private readonly longestLag: number;
  private waiting: (() => void)[] = [];
  private closed = false;

  /** @param longestLag changes that a watcher may be behind once it had caught up */
  constructor(index: RevisionIndex, longestLag: number) {
    this.index = index;
    this.longestLag = longestLag;
  }

  /** Wakes the watchers: there is something new to see. */
  advance(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const wake of waiting) wake();
  }

  close(): void {
    this.closed = true;
    this.advance();
  }

  async *watch(prefix: string, from: Revision, signal: AbortSignal): AsyncGenerator<readonly StorageEvent[]> {
    const index = this.index;
    let position = from;
    let caughtUp = false;
    if (from < index.compactedRevision) throw new CompactedError(from, index.compactedRevision);
    while (!this.closed && !signal.aborted) {
      if (position >= index.currentRevision) {
        caughtUp = true;
        await this.nextAdvance(signal);
        continue;
      }
      const behind = index.currentRevision - position;
      if (position < index.compactedRevision || (caughtUp && behind > this.longestLag)) {
        throw new SlowWatcherError(`the watcher of ${prefix} is ${behind} changes behind`);
      }
      const events = index.eventsAfter(position, largestBatch);
      position += events.length;
      const matching = prefix === '' ? events : events.filter((each) => each.key.startsWith(prefix));
      if (matching.length > 0) yield matching;
    }
  }

  private nextAdvance(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = () => {
        this.waiting = this.waiting.filter((each) => each !== wake);
        resolve();
      };
      this.waiting.push(wake);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }
}

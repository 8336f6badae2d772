import { CompactedError, type Revision, SlowWatcherError, StorageClosedError, type StorageEvent } from './contract.ts';
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
  private failure: Error | undefined;

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
      if (this.failure) throw this.failure;
      if (position < index.compactedRevision) {
        throw new SlowWatcherError(`the history that the watcher of ${prefix} has not yet seen is forgotten`);
      }
      const events = position >= index.currentRevision ? [] : index.eventsAfter(position, largestBatch);
      const last = events.at(-1);
      if (last === undefined) {
        caughtUp = true;
        position = Math.max(position, index.currentRevision);
        await this.nextAdvance(signal);
        continue;
      }
      if (caughtUp && index.countAfter(position) > this.longestLag) {
        throw new SlowWatcherError(`the watcher of ${prefix} is ${index.countAfter(position)} changes behind`);
      }
      position = last.revision;
      const matching = prefix === '' ? events : events.filter((each) => each.key.startsWith(prefix));
      if (matching.length > 0) yield matching;
    }
  }

  /** Resolves when the index has reached a revision; rejects with the signal's reason, or when the store closes. */
  async reached(revision: Revision, signal: AbortSignal): Promise<void> {
    while (this.index.currentRevision < revision) {
      signal.throwIfAborted();
      if (this.closed) throw new StorageClosedError('the store is closed');
      await this.nextAdvance(signal);
    }
  }

  /** Ends every watch with an error: from here on the index is another one. */
  break(failure: Error): void {
    this.failure = failure;
    this.advance();
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

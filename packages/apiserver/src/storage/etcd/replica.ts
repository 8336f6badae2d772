import type { Logger } from '@keelson/core';
import { type Clock, type Random, sleepOn } from '@keelson/core/machinery';
import { CompactedError, type Revision, SlowWatcherError, type StorageEvent, type StoredEntry } from '../contract.ts';
import { EventFeed } from '../event-feed.ts';
import { compactByAge, compactionForSize } from '../history-policy.ts';
import { RevisionIndex } from '../revision-index.ts';
import type { EtcdConnection } from './connection.ts';
import { entryOf, rangeOf } from './entries.ts';
import { failureOf } from './errors.ts';
import { methods, numberOf } from './messages.ts';
import type { OwnWrites } from './own-writes.ts';
import { WatchSession } from './watch-session.ts';

export interface ReplicaOptions {
  readonly connection: EtcdConnection;
  readonly root: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly longestWatchLag: number;
  readonly ownWrites: OwnWrites;
}

const pageEntries = 500;
const firstPauseMs = 50;
const longestPauseMs = 2_000;
const askAfterMs = 5;
const askEveryMs = 100;

/**
 * What etcd holds below the root, at hand: loaded once and kept current by one watch, from which all others are served.
 * Where etcd has forgotten what came after the last change that was seen, it is loaded anew.
 */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #stop = new AbortController();
  readonly #stopAging: () => void;
  #index = new RevisionIndex();
  #feed: EventFeed;
  #session: WatchSession | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#feed = new EventFeed(this.#index, options.longestWatchLag);
    this.#stopAging = compactByAge(
      options.clock,
      {},
      () => this.#index.currentRevision,
      (revision) => this.#index.compact(Math.min(revision, this.#index.currentRevision)),
    );
  }

  get index(): RevisionIndex {
    return this.#index;
  }

  get feed(): EventFeed {
    return this.#feed;
  }

  /** Whether it can learn that nothing has changed, or learns of changes only. */
  get knowsProgress(): boolean {
    return this.#session?.trustworthy ?? false;
  }

  /** Resolves when it is loaded. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#load(signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal);
    this.#running = this.#follow();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#stopAging();
    await this.#running;
    this.#feed.close();
  }

  /** Whether a revision was reached in time. */
  async reached(revision: Revision, withinMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#index.currentRevision >= revision) return true;
    const over = new AbortController();
    const { clock } = this.#options;
    const cancels = [clock.after(withinMs, () => over.abort())];
    if (this.knowsProgress) cancels.push(this.#askFor(revision));
    try {
      await this.#feed.reached(revision, signal ? AbortSignal.any([over.signal, signal]) : over.signal);
      return true;
    } catch (error) {
      if (signal?.aborted || this.#stop.signal.aborted || !over.signal.aborted) throw error;
      return false;
    } finally {
      for (const cancel of cancels) cancel();
    }
  }

  /** Asks for progress until the revision is reached or nobody waits for it any more: the function returned ends that. */
  #askFor(revision: Revision): () => void {
    const { clock } = this.#options;
    let cancel: () => void;
    const ask = () => {
      if (this.#index.currentRevision >= revision) return;
      this.#session?.requestProgress();
      cancel = clock.after(askEveryMs, ask);
    };
    cancel = clock.after(askAfterMs, ask);
    return () => cancel();
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { connection, root } = this.#options;
    for (;;) {
      const entries: StoredEntry[] = [];
      let revision: Revision | undefined;
      let from = root;
      try {
        for (;;) {
          const answer = await connection.call(
            methods.range,
            { ...rangeOf(root, from), limit: pageEntries, ...(revision !== undefined && { revision }) },
            { signal },
          );
          revision ??= numberOf(answer.header?.revision);
          for (const each of answer.kvs ?? []) entries.push(entryOf(each));
          const last = entries.at(-1);
          if (!answer.more || !last) break;
          from = `${last.key}\0`;
        }
      } catch (error) {
        // Forgotten while it was read: from the beginning.
        if (failureOf(error).type === 'compacted') continue;
        throw error;
      }
      const index = new RevisionIndex(revision);
      for (const each of entries) index.restore(each);
      const before = this.#feed;
      this.#index = index;
      this.#feed = new EventFeed(index, this.#options.longestWatchLag);
      before.break(new SlowWatcherError('etcd has forgotten what came after the last change seen'));
      return;
    }
  }

  async #follow(): Promise<void> {
    const { connection, root, clock, random, logger } = this.#options;
    const { signal } = this.#stop;
    let pause = firstPauseMs;
    while (!signal.aborted) {
      try {
        const from = this.#index.currentRevision;
        const { session, news } = await WatchSession.open({ connection, prefix: root, from, previous: false, signal });
        this.#session = session;
        for await (const each of news) {
          pause = firstPauseMs;
          if (each.type === 'events') this.#apply(each.events);
          else this.#index.advance(each.revision);
          this.#feed.advance();
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('the watch of etcd ended; it begins anew', { error: String(error) });
        try {
          if (error instanceof CompactedError) await this.#load(signal);
          await sleepOn(clock, pause * (0.5 + random()), signal);
        } catch (again) {
          if (signal.aborted) return;
          logger.warn('etcd cannot be read', { error: String(again) });
        }
        pause = Math.min(pause * 2, longestPauseMs);
      } finally {
        this.#session = undefined;
      }
    }
  }

  #apply(events: readonly StorageEvent[]): void {
    const index = this.#index;
    for (const told of events) {
      const entry = told.entry && this.#options.ownWrites.claim(told.entry);
      const previous = index.latest(told.key);
      index.apply({
        type: told.type,
        key: told.key,
        revision: told.revision,
        ...(entry && { entry }),
        ...(previous && { previous }),
      });
    }
    const compactTo = compactionForSize(index, {});
    if (compactTo !== undefined) index.compact(compactTo);
  }
}

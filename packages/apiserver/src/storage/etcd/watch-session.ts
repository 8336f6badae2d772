import { CompactedError, type Revision, type StorageEvent } from '../contract.ts';
import type { EtcdConnection, WatchCall } from './connection.ts';
import { eventOf, rangeOf } from './entries.ts';
import { type Message, numberOf } from './messages.ts';

export interface WatchSessionOptions {
  readonly connection: EtcdConnection;
  readonly prefix: string;
  /** Changes later than this one. */
  readonly from: Revision;
  /** Events tell what was there before. */
  readonly previous: boolean;
  readonly signal: AbortSignal;
}

/** What a watch tells: whole revisions in order, or that there is nothing up to a revision. */
export type WatchNews =
  | { readonly type: 'events'; readonly events: readonly StorageEvent[] }
  | { readonly type: 'progress'; readonly revision: Revision };

/** One watch of etcd over one stream. It does not begin anew by itself. */
export class WatchSession {
  readonly #call: WatchCall;
  /** Whether what it says of its progress may be believed. */
  readonly trustworthy: boolean;

  private constructor(call: WatchCall, trustworthy: boolean) {
    this.#call = call;
    this.trustworthy = trustworthy;
  }

  /** Rejects when no stream can be had from the member that is asked at present. */
  static async open(
    options: WatchSessionOptions,
  ): Promise<{ readonly session: WatchSession; readonly news: AsyncIterable<WatchNews> }> {
    const { call, version, lost } = await options.connection.watch();
    const session = new WatchSession(call, progressIsTrue(version));
    return { session, news: session.#news(options, lost) };
  }

  /** Asks how far the watch has come; the answer is news of the type `progress`. */
  requestProgress(): void {
    if (this.#call.writable) this.#call.write({ progress_request: {} });
  }

  /** Ends by throwing: `CompactedError`, or whatever broke the stream; or by return when aborted. */
  async *#news({ prefix, from, previous, signal }: WatchSessionOptions, lost: () => void): AsyncGenerator<WatchNews> {
    const call = this.#call;
    const cancel = () => call.cancel();
    if (signal.aborted) return cancel();
    signal.addEventListener('abort', cancel, { once: true });
    call.write({
      create_request: {
        ...rangeOf(prefix),
        // With the change at `from`, which is left out below: etcd takes a watch from the first revision that it keeps,
        // although a deletion at just that one is forgotten.
        start_revision: Math.max(from, 1),
        prev_kv: previous,
        fragment: true,
        progress_notify: true,
      },
    });
    let fragments: StorageEvent[] = [];
    try {
      for await (const response of call) {
        const message: Message<'WatchResponse'> = response;
        if (message.canceled) throw canceled(message, from);
        const events = (message.events ?? []).map(eventOf).filter((each) => each.revision > from);
        if (message.fragment || fragments.length > 0) fragments.push(...events);
        if (message.fragment) continue;
        const whole = fragments.length > 0 ? fragments : events;
        fragments = [];
        if (whole.length > 0) yield { type: 'events', events: whole };
        else if (!message.created && !message.events && this.trustworthy) {
          yield { type: 'progress', revision: numberOf(message.header?.revision) };
        }
      }
      if (!signal.aborted) throw new Error('etcd ended the watch');
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CompactedError)) lost();
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }
}

function canceled({ compact_revision, cancel_reason }: Message<'WatchResponse'>, from: Revision): Error {
  const compacted = numberOf(compact_revision);
  if (compacted > 0) return new CompactedError(from, compacted);
  return new Error(`etcd canceled the watch: ${cancel_reason || 'no reason given'}`);
}

/**
 * Earlier ones answer a request for progress with a revision whose events may still be on their way (etcd-io/etcd#15220):
 * it is mended from 3.4.31 and 3.5.13 on, as Kubernetes asks for.
 */
export function progressIsTrue(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major !== 3) return major > 3;
  if (minor === 4) return patch >= 31;
  if (minor === 5) return patch >= 13;
  return minor > 5;
}

import type { Clock } from '@keelson/core';
import type { AuditEvent } from './audit-event.ts';
import type { AuditSink, ReportLoss } from './sink.ts';

export interface BatchOptions {
  /** How many events wait at most; what comes beyond is lost. */
  readonly bufferSize: number;
  readonly maxBatchSize: number;
  /** Milliseconds that an event waits for others. */
  readonly maxBatchWait: number;
  /** Batches a second, and at once; undefined: as they come. */
  readonly throttle?: { readonly qps: number; readonly burst: number };
}

/** Takes events without delay, and hands them on in batches. */
export class BatchingSink implements AuditSink {
  readonly name: string;
  readonly #next: AuditSink;
  readonly #options: BatchOptions;
  readonly #clock: Clock;
  readonly #lost: ReportLoss;
  #buffer: AuditEvent[] = [];
  #cancelWait: (() => void) | undefined;
  #sending: Promise<void> | undefined;
  #tokens: number;
  #refilled: number;
  readonly #closing = new AbortController();

  constructor(next: AuditSink, options: BatchOptions, clock: Clock, lost: ReportLoss) {
    this.name = next.name;
    this.#next = next;
    this.#options = options;
    this.#clock = clock;
    this.#lost = lost;
    this.#tokens = options.throttle?.burst ?? 0;
    this.#refilled = clock.now();
  }

  process(events: readonly AuditEvent[]): boolean {
    const room = this.#options.bufferSize - this.#buffer.length;
    const taken = this.#closing.signal.aborted ? [] : events.slice(0, room);
    this.#buffer.push(...taken);
    const rest = events.slice(taken.length);
    if (rest.length > 0) {
      this.#lost(
        'buffered',
        new Error(this.#closing.signal.aborted ? 'audit backend shut down' : 'audit buffer queue blocked'),
        rest,
      );
    }
    if (this.#buffer.length >= this.#options.maxBatchSize) this.#send();
    else if (this.#buffer.length > 0)
      this.#cancelWait ??= this.#clock.after(this.#options.maxBatchWait, () => this.#send());
    return rest.length === 0;
  }

  /** What there is no room for is lost, by its rules. */
  ready(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#send();
    while (this.#sending) await this.#sending;
    await this.#next.close();
  }

  #send(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    if (this.#buffer.length > 0) this.#sending ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    const { maxBatchSize } = this.#options;
    try {
      while (this.#buffer.length > 0) {
        await this.#throttle();
        await this.#next.process(this.#buffer.splice(0, maxBatchSize));
        // What is less than a batch waits for its time.
        if (!this.#closing.signal.aborted && this.#buffer.length < maxBatchSize) break;
      }
    } finally {
      this.#sending = undefined;
    }
    if (this.#buffer.length > 0) this.#cancelWait ??= this.#clock.after(this.#options.maxBatchWait, () => this.#send());
  }

  async #throttle(): Promise<void> {
    const { throttle } = this.#options;
    if (!throttle || this.#closing.signal.aborted) return;
    const now = this.#clock.now();
    this.#tokens = Math.min(throttle.burst, this.#tokens + ((now - this.#refilled) / 1000) * throttle.qps);
    this.#refilled = now;
    if (this.#tokens < 1) {
      const pause = ((1 - this.#tokens) / throttle.qps) * 1000;
      // At the end what is left goes out at once.
      await this.#clock.sleep(pause, this.#closing.signal).catch(() => undefined);
    }
    this.#tokens -= 1;
  }
}

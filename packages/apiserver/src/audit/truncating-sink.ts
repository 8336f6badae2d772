import { type AuditEvent, encodeEvent } from './audit-event.ts';
import { atLeast } from './policy.ts';
import type { AuditSink, ReportLoss } from './sink.ts';

export interface TruncateOptions {
  /** Bytes. A larger event goes without what was sent and answered. */
  readonly maxEventSize: number;
  /** Bytes. A larger batch is cut in several. */
  readonly maxBatchSize: number;
}

/** Keeps events and batches within what the one behind it takes. */
export class TruncatingSink implements AuditSink {
  readonly name: string;
  readonly #next: AuditSink;
  readonly #options: TruncateOptions;
  readonly #lost: ReportLoss;

  constructor(next: AuditSink, options: TruncateOptions, lost: ReportLoss) {
    this.name = next.name;
    this.#next = next;
    this.#options = options;
    this.#lost = lost;
  }

  async process(events: readonly AuditEvent[]): Promise<boolean> {
    const { maxEventSize, maxBatchSize } = this.#options;
    let batch: AuditEvent[] = [];
    let bytes = 0;
    let all = true;
    for (const each of events) {
      let event = each;
      let size = sizeOf(event);
      if (size > maxEventSize && atLeast(event.level, 'Request')) {
        event = truncated(event);
        size = sizeOf(event);
      }
      if (size > maxEventSize) {
        this.#lost('truncate', new Error('event is too large even after truncating'), [event]);
        continue;
      }
      if (batch.length > 0 && bytes + size > maxBatchSize) {
        all = (await this.#next.process(batch)) && all;
        batch = [];
        bytes = 0;
      }
      batch.push(event);
      bytes += size;
    }
    return batch.length === 0 ? all : (await this.#next.process(batch)) && all;
  }

  ready(): Promise<void> | undefined {
    return this.#next.ready();
  }

  close(): Promise<void> {
    return this.#next.close();
  }
}

const sizeOf = (event: AuditEvent) => Buffer.byteLength(encodeEvent(event, { typed: true })) + 1;

const truncated = ({ requestObject: _request, responseObject: _response, ...event }: AuditEvent): AuditEvent => ({
  ...event,
  annotations: { ...event.annotations, 'audit.k8s.io/truncated': 'true' },
});

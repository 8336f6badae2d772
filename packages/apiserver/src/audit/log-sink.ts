import { type AuditEvent, encodeEvent } from './audit-event.ts';
import type { AuditSink, ReportLoss } from './sink.ts';

/** Something that text is added to at its end. */
export interface LogOutput {
  append(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Beyond it requests wait before they begin. */
const mostWaiting = 1_000;

interface Waiting {
  readonly text: string;
  readonly events: readonly AuditEvent[];
  resolve(written: boolean): void;
}

/** Writes events as lines of JSON. What comes while a write is under way goes with the next one, all at once. */
export class LogSink implements AuditSink {
  readonly name = 'log';
  readonly #output: LogOutput;
  readonly #lost: ReportLoss;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  constructor(output: LogOutput, lost: ReportLoss) {
    this.#output = output;
    this.#lost = lost;
  }

  process(events: readonly AuditEvent[]): Promise<boolean> {
    const text = events.map((each) => `${encodeEvent(each, { typed: true })}\n`).join('');
    return new Promise((resolve) => {
      this.#waiting.push({ text, events, resolve });
      this.#writing ??= this.#write();
    });
  }

  ready(): Promise<void> | undefined {
    return this.#waiting.length < mostWaiting ? undefined : this.#writing;
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#output.close();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#output.append(batch.map((each) => each.text).join(''));
        for (const each of batch) each.resolve(true);
      } catch (error) {
        for (const each of batch) {
          this.#lost(this.name, error, each.events);
          each.resolve(false);
        }
      }
    }
    this.#writing = undefined;
  }
}

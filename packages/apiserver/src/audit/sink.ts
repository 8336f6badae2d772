import type { AuditEvent } from './audit-event.ts';

/** Where events go. */
export interface AuditSink {
  /** For metrics and messages. */
  readonly name: string;
  /** False: they were lost, which the sink has told. Never rejects. */
  process(events: readonly AuditEvent[]): boolean | Promise<boolean>;
  /** Undefined: it takes more. Else it resolves when it does: what comes before all the same is kept, too. */
  ready(): Promise<void> | undefined;
  /** Resolves when all that was taken is where it belongs, or given up. */
  close(): Promise<void>;
}

/** Tells what became of events that were lost. */
export type ReportLoss = (sink: string, error: unknown, events: readonly AuditEvent[]) => void;

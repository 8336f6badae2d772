import type { ReconcileTrace, TraceBuffer } from '../controller/index.ts';

/** A trace as one line of JSON; its error is a text. */
export function traceLine({ error, ...trace }: ReconcileTrace): string {
  return `${JSON.stringify({ ...trace, ...(error !== undefined && { error: messageOf(error) }) })}\n`;
}

/** Those of a controller or key, oldest first, as lines of JSON. */
export function traceLines(traces: TraceBuffer, filter: TraceFilter): string {
  return traces.list(filter).map(traceLine).join('');
}

export interface TraceFilter {
  readonly controller?: string;
  readonly key?: string;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

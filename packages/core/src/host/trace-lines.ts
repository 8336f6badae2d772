import type { ReconcileTrace, TraceBuffer } from '../controller/index.ts';
import { namedMessageOf } from '../machinery/index.ts';

/** A trace as one line of JSON; its error is a text. */
export function traceLine({ error, ...trace }: ReconcileTrace): string {
  return `${JSON.stringify({ ...trace, ...(error !== undefined && { error: namedMessageOf(error) }) })}\n`;
}

/** Those of a controller or key, oldest first, as lines of JSON. */
export function traceLines(traces: TraceBuffer, filter: TraceFilter): string {
  return traces.list(filter).map(traceLine).join('');
}

export interface TraceFilter {
  readonly controller?: string;
  readonly key?: string;
}

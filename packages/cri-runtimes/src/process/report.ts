import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** What a set-up script said on its file descriptor 3. */
export interface Report {
  /** The number of the first process, as the machine counts. */
  readonly pid: number | undefined;
  readonly ok: boolean;
  readonly error: string | undefined;
}

/**
 * Reads until the container's program takes over or the set-up fails. The end of the stream would come late: `unshare`
 * keeps it open while it waits for its child.
 */
export async function readReport(stream: Readable): Promise<Report> {
  let report: Report = { pid: undefined, ok: false, error: undefined };
  for await (const line of createInterface({ input: stream })) {
    const [word, ...rest] = line.split(' ');
    if (word === 'pid') report = { ...report, pid: Number(rest[0]) };
    else if (word === 'ok') return { ...report, ok: true };
    else if (word === 'error') return { ...report, error: rest.join(' ') };
  }
  return report;
}

/** The pipe at place 3 of a child's `stdio`. */
export function reportStream(stdio: readonly unknown[]): Readable {
  const stream = stdio[3];
  if (!isReadable(stream)) throw new Error('the child was not given a report pipe');
  return stream;
}

function isReadable(value: unknown): value is Readable {
  return typeof value === 'object' && value !== null && 'read' in value && 'on' in value;
}

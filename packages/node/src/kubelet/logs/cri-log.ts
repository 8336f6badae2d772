/** One entry of a container log: `<RFC 3339 nano> <stdout|stderr> <F|P> <text>` (CRI log format). */
export interface LogEntry {
  /** As written, with nanoseconds. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** Not the last piece of a long line. */
  readonly partial: boolean;
  readonly text: Buffer;
}

const space = 0x20;

/** @param line without its newline; `undefined` for what is no log entry */
export function parseLogLine(line: Buffer): LogEntry | undefined {
  const first = line.indexOf(space);
  const second = line.indexOf(space, first + 1);
  if (first < 0 || second < 0) return undefined;
  const third = line.indexOf(space, second + 1);
  const tagEnd = third < 0 ? line.length : third;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tag = line.toString('latin1', second + 1, tagEnd).split(':')[0];
  return {
    time: line.toString('latin1', 0, first),
    stream,
    partial: tag === 'P',
    text: third < 0 ? Buffer.alloc(0) : line.subarray(third + 1),
  };
}

/** Cuts a stream of bytes into lines; what is left waits for its newline. */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): readonly Buffer[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = data.indexOf(0x0a, from); at >= 0; at = data.indexOf(0x0a, from)) {
      lines.push(data.subarray(from, at));
      from = at + 1;
    }
    this.#rest = data.subarray(from);
    return lines;
  }
}

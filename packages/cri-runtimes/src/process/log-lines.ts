/** Kubelets read log lines in pieces of at most this many bytes; longer ones are cut and marked partial. */
export const maxLineBytes = 16 * 1024;

export type LogStream = 'stdout' | 'stderr';

const newline = 0x0a;

/**
 * Turns output into lines of the CRI log format (`<time> <stream> <P|F> <text>`). What has no line end yet is left for the
 * next time, unless it is too long or `final`.
 * @returns the text, and how many bytes of `output` it covers
 */
export function logLines(
  output: Buffer,
  stream: LogStream,
  time: string,
  { final = false }: { readonly final?: boolean } = {},
): { readonly text: Buffer; readonly consumed: number } {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < output.length) {
    const end = output.indexOf(newline, at);
    const length = (end < 0 ? output.length : end) - at;
    if (length > maxLineBytes) {
      parts.push(line(time, stream, 'P', output.subarray(at, at + maxLineBytes)));
      at += maxLineBytes;
    } else if (end >= 0) {
      parts.push(line(time, stream, 'F', output.subarray(at, end)));
      at = end + 1;
    } else if (final || length === maxLineBytes) {
      parts.push(line(time, stream, 'P', output.subarray(at)));
      at = output.length;
    } else break;
  }
  return { text: Buffer.concat(parts), consumed: at };
}

function line(time: string, stream: LogStream, flag: 'P' | 'F', text: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${time} ${stream} ${flag} `), text, Buffer.from('\n')]);
}

/** RFC 3339 with nine decimals. */
export function logTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000000Z');
}

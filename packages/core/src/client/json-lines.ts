/** One JSON value a line may not be longer than this; an object in etcd may have 1.5 MiB. */
export const longestLine = 64 * 1024 * 1024;

/**
 * Splits a stream of bytes into lines, in order and as it arrives: each batch is what one chunk has made complete, so
 * that whoever parses it is done in a few milliseconds. Empty lines are left out.
 * @throws RangeError for a line that is too long
 */
export async function* lineBatches(
  chunks: AsyncIterable<Uint8Array>,
  limit = longestLine,
): AsyncGenerator<readonly Buffer[]> {
  let pending: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const tail = chunk.subarray(start, end);
      const line = pending.length === 0 ? bufferOf(tail) : Buffer.concat([...pending, tail]);
      pending = [];
      size = 0;
      start = end + 1;
      if (line.length > 0) lines.push(line);
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      size += chunk.length - start;
      if (size > limit) throw new RangeError(`a line of the stream is longer than ${limit} bytes`);
    }
    if (lines.length > 0) yield lines;
  }
  if (size > 0) yield [Buffer.concat(pending)];
}

/**
 * Parses each line of a stream of bytes, in order and as it arrives.
 * @throws SyntaxError for a line that is no JSON, RangeError for one that is too long
 */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>, limit = longestLine): AsyncGenerator<unknown> {
  for await (const lines of lineBatches(chunks, limit)) {
    for (const line of lines) yield JSON.parse(line.toString('utf8'));
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

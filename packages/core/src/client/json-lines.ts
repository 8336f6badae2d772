/** One JSON value a line may not be longer than this; an object in etcd may have 1.5 MiB. */
export const longestLine = 64 * 1024 * 1024;

/**
 * Splits a stream of bytes into lines and parses each, in order and as it arrives.
 * @throws SyntaxError for a line that is no JSON, RangeError for one that is too long
 */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>, limit = longestLine): AsyncGenerator<unknown> {
  let pending: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const tail = chunk.subarray(start, end);
      const line = pending.length === 0 ? tail : Buffer.concat([...pending, tail]);
      pending = [];
      size = 0;
      start = end + 1;
      if (line.length > 0) yield parse(line);
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      size += chunk.length - start;
      if (size > limit) throw new RangeError(`a line of the stream is longer than ${limit} bytes`);
    }
  }
  if (size > 0) yield parse(Buffer.concat(pending));
}

function parse(line: Uint8Array): unknown {
  return JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'));
}

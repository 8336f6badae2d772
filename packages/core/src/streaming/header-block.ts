import { createInflate, type Inflate } from 'node:zlib';
import { spdyDictionary } from './spdy-dictionary.ts';

/** Headers of a stream; names in lower case. */
export type SpdyHeaders = Readonly<Record<string, string>>;

/** A peer that breaks the rules of SPDY/3.1: the connection cannot go on. */
export class SpdyError extends Error {
  override readonly name = 'SpdyError';
}

const largestBlock = 64 * 1024;
const largestStored = 0xffff;

/** RFC 1950, section 8.2. */
function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

/** A stored block that is not the last. */
function stored(piece: Buffer): [Buffer, Buffer] {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(piece.length, 1);
  head.writeUInt16LE(~piece.length & 0xffff, 3);
  return [head, piece];
}

/**
 * Writes header blocks of one connection as one zlib stream of stored blocks (RFC 1951, 3.2.4): valid for every reader,
 * and without a state that would have to be kept in step.
 */
export class HeaderBlockWriter {
  #begun = false;

  write(headers: SpdyHeaders): Buffer {
    const plain = encodeHeaders(headers);
    const parts: Buffer[] = [];
    if (!this.#begun) {
      this.#begun = true;
      // Deflate with a 32 KiB window and a preset dictionary, whose checksum follows.
      const start = Buffer.from([0x78, 0x20, 0, 0, 0, 0]);
      start.writeUInt32BE(adler32(spdyDictionary), 2);
      parts.push(start);
    }
    for (let at = 0; at < plain.length; at += largestStored)
      parts.push(...stored(plain.subarray(at, at + largestStored)));
    // Readers written in Go hand out what they have read when they meet an empty block.
    return Buffer.concat([...parts, ...stored(Buffer.alloc(0))]);
  }
}

/** Reads header blocks of one connection; they share one compression state, so that their order matters. */
export class HeaderBlockReader {
  readonly #inflate: Inflate = createInflate({ dictionary: spdyDictionary });
  #failure: Error | undefined;
  #parts: Buffer[] = [];
  #size = 0;

  constructor() {
    this.#inflate.on('data', (part: Buffer) => {
      this.#size += part.length;
      // What is too much is not kept: the block is refused when it is complete.
      if (this.#size <= largestBlock) this.#parts.push(part);
    });
    this.#inflate.on('error', (error) => {
      this.#failure = new SpdyError(`a header block cannot be decompressed: ${error.message}`);
    });
  }

  /** Rejects with `SpdyError`. One call at a time. */
  async read(block: Uint8Array): Promise<SpdyHeaders> {
    this.#parts = [];
    this.#size = 0;
    await new Promise<void>((resolve) => {
      const failed = () => resolve();
      this.#inflate.once('error', failed);
      this.#inflate.write(block, () => {
        this.#inflate.off('error', failed);
        resolve();
      });
    });
    if (this.#failure) throw this.#failure;
    if (this.#size > largestBlock) throw new SpdyError(`a header block is larger than ${largestBlock} bytes`);
    return decodeHeaders(Buffer.concat(this.#parts));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function encodeHeaders(headers: SpdyHeaders): Buffer {
  const entries = Object.entries(headers);
  const parts: Buffer[] = [uint32(entries.length)];
  for (const [name, value] of entries) for (const each of [name.toLowerCase(), value]) parts.push(...text(each));
  return Buffer.concat(parts);
}

function text(value: string): [Buffer, Buffer] {
  const bytes = Buffer.from(value, 'utf8');
  return [uint32(bytes.length), bytes];
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function decodeHeaders(bytes: Buffer): SpdyHeaders {
  let at = 0;
  const number = () => {
    if (at + 4 > bytes.length) throw new SpdyError('a header block ends too early');
    const value = bytes.readUInt32BE(at);
    at += 4;
    return value;
  };
  const string = () => {
    const length = number();
    if (at + length > bytes.length) throw new SpdyError('a header block ends too early');
    const value = bytes.toString('utf8', at, at + length);
    at += length;
    return value;
  };
  const headers = new Map<string, string>();
  for (let left = number(); left > 0; left--) {
    const name = string().toLowerCase();
    // Several values of one name are joined by NUL; nobody here sends more than one.
    headers.set(name, string().split('\0')[0] ?? '');
  }
  return Object.fromEntries(headers);
}

/** Reads the protobuf wire format (protobuf.dev/programming-guides/encoding). Throws `WireError` where a text ends too early. */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = 0;
    this.#end = bytes.length;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Field number times eight plus wire type. */
  tag(): number {
    const tag = this.#varint();
    if (tag < 8 || tag > 0xffffffff)
      throw new WireError(`proto: illegal tag ${Math.floor(tag / 8)} (wire type ${tag})`);
    return tag;
  }

  /** Narrows the reader to the message that begins here; the number returned is for `leave`. */
  enter(): number {
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  bool(): boolean {
    return this.#varint() !== 0;
  }

  /** Safe for every number in the API; int64 beyond 2^53 loses its lowest digits. */
  int64(): number {
    return this.#varint();
  }

  int32(): number {
    return Number(BigInt.asIntN(32, BigInt(this.#varint())));
  }

  double(): number {
    this.#need(8);
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  bytes(): Buffer {
    const length = this.#length();
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  string(): string {
    const length = this.#length();
    const from = this.#at;
    this.#at += length;
    if (length === 0) return '';
    return this.#bytes.toString('utf8', from, this.#at);
  }

  base64(): string {
    return this.bytes().toString('base64');
  }

  skip(wire: number): void {
    if (wire === 0) this.#varint();
    else if (wire === 1) this.#pass(8);
    else if (wire === 2) this.#pass(this.#length());
    else if (wire === 5) this.#pass(4);
    else throw new WireError(`proto: illegal wireType ${wire}`);
  }

  #pass(length: number): void {
    this.#need(length);
    this.#at += length;
  }

  #length(): number {
    const length = this.#varint();
    if (length < 0) throw new WireError('proto: negative length found during unmarshaling');
    this.#need(length);
    return length;
  }

  #need(length: number): void {
    if (this.#at + length > this.#end) throw new WireError('unexpected EOF');
  }

  /** A signed number of 64 bits. */
  #varint(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    const end = this.#end;
    let value = 0;
    let scale = 1;
    // Seven groups of seven bits are exact; what is longer is rare: negative numbers and very large ones.
    for (let group = 0; group < 7; group++) {
      if (at >= end) throw new WireError('unexpected EOF');
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#at = at;
        return value;
      }
      scale *= 128;
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.#at >= this.#end) throw new WireError('unexpected EOF');
      const byte = this.#bytes[this.#at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new WireError('proto: integer overflow');
  }
}

export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Reads the protobuf wire format (protobuf.dev/programming-guides/encoding). Throws `WireError` where a text ends too early. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Field number and wire type. */
  tag(): { readonly field: number; readonly wire: number } {
    const tag = Number(this.#varint());
    return { field: Math.floor(tag / 8), wire: tag % 8 };
  }

  bool(): boolean {
    return this.#varint() !== 0n;
  }

  /** Safe for every number in the API; int64 beyond 2^53 loses its lowest digits. */
  int(): number {
    return Number(BigInt.asIntN(64, this.#varint()));
  }

  double(): number {
    const bytes = this.#take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  bytes(): Uint8Array {
    return this.#take(Number(this.#varint()));
  }

  string(): string {
    return Buffer.from(this.bytes()).toString('utf8');
  }

  skip(wire: number): void {
    if (wire === 0) this.#varint();
    else if (wire === 1) this.#take(8);
    else if (wire === 2) this.bytes();
    else if (wire === 5) this.#take(4);
    else throw new WireError(`proto: illegal wireType ${wire}`);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new WireError('unexpected EOF');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new WireError('proto: integer overflow');
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new WireError('unexpected EOF');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

export class WireError extends Error {
  override readonly name = 'WireError';
}

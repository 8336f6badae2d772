const two32 = 2 ** 32;
/** Strings up to this length are written character by character: cheaper than a call into native code. */
const shortString = 40;

/**
 * Writes the protobuf wire format from its end to its beginning, so that the length of a message is known when its
 * prefix is due. Fields must be written by falling number.
 */
export class WireWriter {
  #buffer: Buffer;
  #at: number;

  constructor(size = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafe(size);
    this.#at = size;
  }

  /** Bytes written since `reset`; the difference of two is the length of what was written between them. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** A copy of all that was written. */
  take(allocate: (length: number) => Buffer = Buffer.allocUnsafe): Buffer {
    const copy = allocate(this.length);
    this.#buffer.copy(copy, 0, this.#at);
    return copy;
  }

  reset(): void {
    // One giant must not keep its memory for ever.
    if (this.#buffer.length > 4 * 1024 * 1024) this.#buffer = Buffer.allocUnsafe(64 * 1024);
    this.#at = this.#buffer.length;
  }

  byte(value: number): void {
    if (this.#at === 0) this.#grow(1);
    this.#buffer[--this.#at] = value;
  }

  /** An unsigned number below 2^32. */
  uint32(value: number): void {
    if (value < 0x80) {
      if (this.#at === 0) this.#grow(1);
      this.#buffer[--this.#at] = value;
      return;
    }
    if (this.#at < 5) this.#grow(5);
    const size = value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
    this.#at -= size;
    let at = this.#at;
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[at] = rest;
  }

  /** A whole number of 64 bits; negative ones take ten bytes. Beyond 2^63 the nearest that fits. */
  int64(value: number): void {
    if (value >= 0 && value < two32) {
      this.uint32(value);
      return;
    }
    const big = value >= 2 ** 63 ? 2n ** 63n - 1n : value < -(2 ** 63) ? -(2n ** 63n) : BigInt(Math.trunc(value));
    let rest = BigInt.asUintN(64, big);
    const bytes: number[] = [];
    while (rest > 0x7fn) {
      bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest));
    for (let index = bytes.length - 1; index >= 0; index--) this.byte(bytes[index] ?? 0);
  }

  double(value: number): void {
    if (this.#at < 8) this.#grow(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** A string with its length. */
  string(value: string): void {
    const { length } = value;
    if (length <= shortString) {
      if (this.#at < length + 1) this.#grow(length + 1);
      const buffer = this.#buffer;
      let at = this.#at;
      let index = length;
      while (index > 0) {
        const code = value.charCodeAt(--index);
        if (code > 0x7f) {
          this.#unicode(value);
          return;
        }
        buffer[--at] = code;
      }
      buffer[--at] = length;
      this.#at = at;
      return;
    }
    this.#unicode(value);
  }

  #unicode(value: string): void {
    const size = Buffer.byteLength(value);
    if (this.#at < size) this.#grow(size);
    this.#at -= size;
    this.#buffer.write(value, this.#at, size);
    this.uint32(size);
  }

  /** Bytes in base64 with their length. */
  base64(value: string): void {
    this.bytes(Buffer.from(value, 'base64'));
  }

  bytes(value: Uint8Array): void {
    this.raw(value);
    this.uint32(value.length);
  }

  raw(value: Uint8Array): void {
    if (this.#at < value.length) this.#grow(value.length);
    this.#at -= value.length;
    this.#buffer.set(value, this.#at);
  }

  #grow(needed: number): void {
    const { length } = this;
    let size = this.#buffer.length * 2;
    while (size < length + needed) size *= 2;
    const grown = Buffer.allocUnsafe(size);
    this.#buffer.copy(grown, size - length, this.#at);
    this.#buffer = grown;
    this.#at = size - length;
  }
}

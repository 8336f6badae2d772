/**
 * Memory for many small pieces that are forgotten together, or soon: one of their own for each of fifty thousand would
 * keep the garbage collector busier than all else. A piece keeps the memory of those that were made with it.
 */
export class Slab {
  readonly #bytes: number;
  #memory = Buffer.alloc(0);
  #used = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** As `Buffer.allocUnsafe`: what is in it is not to be read before it is written. */
  readonly allocate = (length: number): Buffer => {
    if (length > this.#bytes / 4) return Buffer.allocUnsafe(length);
    if (this.#used + length > this.#memory.length) {
      this.#memory = Buffer.allocUnsafeSlow(this.#bytes);
      this.#used = 0;
    }
    this.#used += length;
    return this.#memory.subarray(this.#used - length, this.#used);
  };
}

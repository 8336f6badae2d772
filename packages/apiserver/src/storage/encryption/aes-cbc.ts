import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { tooShort } from './value-transformer.ts';

const blockSize = 16;

/** AES in cipher block chaining mode with PKCS#7 padding: initial vector, encrypted value. It does not authenticate. */
export class AesCbc {
  readonly #algorithm: string;
  readonly #key: Uint8Array;

  /** @param key 16, 24 or 32 bytes */
  constructor(key: Uint8Array) {
    this.#algorithm = `aes-${key.length * 8}-cbc`;
    this.#key = key;
  }

  seal(value: Uint8Array): Uint8Array {
    const vector = randomBytes(blockSize);
    const cipher = createCipheriv(this.#algorithm, this.#key, vector);
    return Buffer.concat([vector, cipher.update(value), cipher.final()]);
  }

  open(data: Uint8Array): Uint8Array {
    if (data.length < blockSize) throw tooShort();
    if (data.length % blockSize !== 0) throw new Error('the stored data is not a multiple of the block size');
    const cipher = createDecipheriv(this.#algorithm, this.#key, data.subarray(0, blockSize));
    cipher.setAutoPadding(false);
    const padded = Buffer.concat([cipher.update(data.subarray(blockSize)), cipher.final()]);
    const padding = padded.at(-1) ?? 0;
    if (padding === 0 || padding > padded.length) throw new Error('invalid PKCS7 data (empty or not padded)');
    const end = padded.length - padding;
    for (let at = end; at < padded.length; at++) {
      if (padded[at] !== padding) throw new Error('invalid padding on input');
    }
    return padded.subarray(0, end);
  }
}

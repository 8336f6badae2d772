import { randomBytes } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { tooShort } from './value-transformer.ts';

const nonceSize = 24;
const tagSize = 16;

/** XSalsa20 with Poly1305 as NaCl's secretbox has it: nonce, tag, encrypted value. */
export class Secretbox {
  readonly #key: Uint8Array;

  /** @param key 32 bytes */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(value: Uint8Array): Uint8Array {
    const nonce = randomBytes(nonceSize);
    return Buffer.concat([nonce, xsalsa20poly1305(this.#key, nonce).encrypt(value)]);
  }

  open(data: Uint8Array): Uint8Array {
    if (data.length < nonceSize + tagSize) throw tooShort();
    return xsalsa20poly1305(this.#key, data.subarray(0, nonceSize)).decrypt(data.subarray(nonceSize));
  }
}

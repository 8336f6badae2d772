import { createHmac, randomBytes } from 'node:crypto';
import { AesGcm } from '../aes-gcm.ts';
import { tooShort } from '../value-transformer.ts';

const infoSize = 32;
export const seedSize = 32;

/**
 * AES-GCM with a key for each single value, which a seed and 32 random bytes make together: HKDF's expansion with SHA-256
 * (RFC 5869, 2.3), one block. The random bytes stand before what AES-GCM makes of the value.
 */
export class DerivedKeys {
  readonly #seed: Uint8Array;

  /** @param seed at least 32 random bytes */
  constructor(seed: Uint8Array) {
    if (seed.length < seedSize) throw new Error(`invalid seed length ${seed.length} used for key generation`);
    this.#seed = seed;
  }

  seal(value: Uint8Array, place: string): Uint8Array {
    const info = randomBytes(infoSize);
    return Buffer.concat([info, this.#cipher(info).seal(value, place)]);
  }

  open(data: Uint8Array, place: string): Uint8Array {
    if (data.length < infoSize) throw tooShort();
    return this.#cipher(data.subarray(0, infoSize)).open(data.subarray(infoSize), place);
  }

  #cipher(info: Uint8Array): AesGcm {
    return new AesGcm(createHmac('sha256', this.#seed).update(info).update(Uint8Array.of(1)).digest());
  }
}

import { type CipherGCMTypes, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { tooShort } from './value-transformer.ts';

const nonceSize = 12;
const tagSize = 16;

/** Kubernetes' advice: beyond it a key is to be replaced, since nonces are random. */
export const advisedWrites = 200_000;
/** NIST SP 800-38D, 8.3: beyond it two writes may have had the same nonce. */
export const mostWrites = 2 ** 32;

/** AES in Galois/Counter mode with random nonces: nonce, encrypted value, tag. */
export class AesGcm {
  readonly #algorithm: CipherGCMTypes;
  readonly #key: Uint8Array;
  readonly #worn: (() => void) | undefined;
  #writes: number;

  /**
   * @param key 16, 24 or 32 bytes
   * @param worn called once when the key has been written with as often as it should be
   */
  constructor(key: Uint8Array, worn?: () => void, writes = 0) {
    this.#algorithm = `aes-${(key.length * 8) as 128 | 192 | 256}-gcm`;
    this.#key = key;
    this.#worn = worn;
    this.#writes = writes;
  }

  /** @param place is authenticated with the value */
  seal(value: Uint8Array, place: string): Uint8Array {
    if (this.#writes >= mostWrites) throw new Error('the AES-GCM key is worn out: write with another one');
    if (++this.#writes === advisedWrites) this.#worn?.();
    const nonce = randomBytes(nonceSize);
    const cipher = createCipheriv(this.#algorithm, this.#key, nonce);
    cipher.setAAD(Buffer.from(place));
    return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws if key, place or value are others. */
  open(data: Uint8Array, place: string): Uint8Array {
    if (data.length < nonceSize + tagSize) throw tooShort();
    const cipher = createDecipheriv(this.#algorithm, this.#key, data.subarray(0, nonceSize));
    cipher.setAAD(Buffer.from(place));
    cipher.setAuthTag(data.subarray(data.length - tagSize));
    const begun = cipher.update(data.subarray(nonceSize, data.length - tagSize));
    try {
      const rest = cipher.final();
      return rest.length === 0 ? begun : Buffer.concat([begun, rest]);
    } catch {
      throw new Error('cipher: message authentication failed');
    }
  }
}

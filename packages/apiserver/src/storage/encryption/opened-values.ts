import type { Opened } from './value-transformer.ts';

/** With the key under which it is stored: elsewhere the same bytes are not the same value. */
export interface Placed extends Opened {
  readonly place: string;
}

const mostBytes = 64 * 1024 * 1024;

/**
 * What was decrypted or encrypted lately, by the identity of the encrypted bytes: readers that share those share the
 * plain ones too. Two generations: what nobody asked for while the younger one filled up is forgotten.
 */
export class OpenedValues {
  readonly #largest: number;
  #young = new Map<Uint8Array, Placed>();
  #old = new Map<Uint8Array, Placed>();
  #size = 0;

  constructor(bytes = mostBytes) {
    this.#largest = bytes / 2;
  }

  get(sealed: Uint8Array, place: string): Opened | undefined {
    const young = this.#young.get(sealed);
    if (young) return young.place === place ? young : undefined;
    const old = this.#old.get(sealed);
    if (old?.place !== place) return undefined;
    this.set(sealed, old);
    return old;
  }

  set(sealed: Uint8Array, opened: Placed): void {
    this.#young.set(sealed, opened);
    this.#size += sealed.length + opened.value.length;
    if (this.#size < this.#largest) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#size = 0;
  }
}

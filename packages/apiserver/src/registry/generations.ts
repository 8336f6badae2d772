import type { Revision } from '../storage/contract.ts';

interface Kept<Value> {
  readonly revision: Revision;
  readonly value: Value;
  readonly size: number;
}

/**
 * What was made of stored values lately, by the identity of their bytes: two generations of a bounded cache. What nobody
 * asked for while the younger one filled up is forgotten.
 */
export class Generations<Value> {
  readonly #largest: number;
  #young = new Map<Uint8Array, Kept<Value>>();
  #old = new Map<Uint8Array, Kept<Value>>();
  #size = 0;

  /** @param bytes what both generations hold together at most */
  constructor(bytes: number) {
    this.#largest = bytes / 2;
  }

  get(stored: Uint8Array, revision: Revision): Value | undefined {
    const young = this.#young.get(stored);
    if (young !== undefined) return young.revision === revision ? young.value : undefined;
    const old = this.#old.get(stored);
    if (old === undefined || old.revision !== revision) return undefined;
    this.#keep(stored, old);
    return old.value;
  }

  /** What is held now, without keeping it for longer. */
  peek(stored: Uint8Array, revision: Revision): Value | undefined {
    const held = this.#young.get(stored) ?? this.#old.get(stored);
    return held?.revision === revision ? held.value : undefined;
  }

  /** @param size in bytes, as counted against the bound */
  set(stored: Uint8Array, revision: Revision, value: Value, size: number): void {
    this.#keep(stored, { revision, value, size });
  }

  #keep(stored: Uint8Array, kept: Kept<Value>): void {
    this.#young.set(stored, kept);
    this.#size += kept.size;
    if (this.#size < this.#largest) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#size = 0;
  }
}

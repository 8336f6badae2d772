import type { Random } from '@keelson/core';
import { KeyExistsError, RevisionMismatchError, type Storage } from '../../../storage/contract.ts';
import { AllocationError } from './address-book.ts';
import { candidates } from './ip-range.ts';

const key = '/registry/ranges/servicenodeports';
const attempts = 100;

/** A change of what is taken. Called again if somebody else was faster; undefined: nothing to write. */
type Change<T> = (ports: PortSet) => { readonly value: T; readonly changed: boolean };

/** One bit a port. */
export class PortSet {
  readonly first: number;
  readonly last: number;
  readonly #bits: Uint8Array;

  constructor(first: number, last: number, bits?: Uint8Array) {
    this.first = first;
    this.last = last;
    this.#bits = new Uint8Array(Math.ceil((last - first + 1) / 8));
    if (bits) this.#bits.set(bits.subarray(0, this.#bits.length));
  }

  get bits(): Uint8Array {
    return this.#bits;
  }

  contains(port: number): boolean {
    return port >= this.first && port <= this.last;
  }
  has(port: number): boolean {
    const at = port - this.first;
    return this.contains(port) && ((this.#bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
  }
  add(port: number): void {
    const at = port - this.first;
    if (this.contains(port)) this.#bits[at >> 3] = (this.#bits[at >> 3] ?? 0) | (1 << (at & 7));
  }
  delete(port: number): void {
    const at = port - this.first;
    if (this.contains(port)) this.#bits[at >> 3] = (this.#bits[at >> 3] ?? 0) & ~(1 << (at & 7));
  }
  *[Symbol.iterator](): Generator<number> {
    for (let port = this.first; port <= this.last; port++) if (this.has(port)) yield port;
  }
}

export interface LedgerOptions {
  readonly storage: Storage;
  readonly random: Random;
  readonly range: readonly [number, number];
}

/**
 * Which ports of nodes are taken, in one record of the store (as Kubernetes keeps it): it is written only if it still
 * is what was read, so that two API servers never give out one port twice.
 */
export class NodePortLedger {
  readonly #options: LedgerOptions;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  get range(): readonly [number, number] {
    return this.#options.range;
  }

  /** Reads, changes and writes; rejects with what `change` throws, before anything is written. */
  async change<T>(change: Change<T>): Promise<T> {
    const { storage } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const { entry } = await storage.get(key);
      const ports = this.#decode(entry?.value);
      const { value, changed } = change(ports);
      if (!changed) return value;
      try {
        if (entry) await storage.update(key, this.#encode(ports), entry.modRevision);
        else await storage.create(key, this.#encode(ports));
        return value;
      } catch (error) {
        const lost = error instanceof RevisionMismatchError || error instanceof KeyExistsError;
        if (!lost || attempt >= attempts) throw error;
      }
    }
  }

  async release(ports: readonly number[]): Promise<void> {
    if (ports.length === 0) return;
    await this.change((taken) => {
      const held = ports.filter((each) => taken.has(each));
      for (const each of held) taken.delete(each);
      return { value: undefined, changed: held.length > 0 };
    });
  }

  /** A free port, taken in `taken`. Throws `AllocationError`. */
  pick(taken: PortSet): number {
    for (const each of candidates(BigInt(taken.first), BigInt(taken.last), this.#options.random)) {
      const port = Number(each);
      if (taken.has(port)) continue;
      taken.add(port);
      return port;
    }
    throw new AllocationError('range is full');
  }

  #decode(value: Uint8Array | undefined): PortSet {
    const [first, last] = this.#options.range;
    if (!value) return new PortSet(first, last);
    const record: unknown = JSON.parse(Buffer.from(value).toString());
    const data = typeof record === 'object' && record !== null && 'data' in record ? String(record.data) : '';
    const range = typeof record === 'object' && record !== null && 'range' in record ? String(record.range) : '';
    const stored = new PortSet(Number(range.split('-')[0]), Number(range.split('-')[1]), Buffer.from(data, 'base64'));
    const ports = new PortSet(first, last);
    for (const each of stored) ports.add(each);
    return ports;
  }

  #encode(ports: PortSet): Uint8Array {
    return Buffer.from(
      JSON.stringify({
        kind: 'RangeAllocation',
        apiVersion: 'v1',
        metadata: {},
        range: `${ports.first}-${ports.last}`,
        data: Buffer.from(ports.bits).toString('base64'),
      }),
    );
  }
}

import { isIPv4 } from 'node:net';
import type { Random } from '@keelson/core';
import { formatIpv4, parseIpv4, parseIpv4Range } from '@keelson/core/machinery';

/**
 * Hands out numbers of a range, each to one owner. The lower part is left to those who ask for a certain number, and
 * used when the upper part is full (KEP-3070, KEP-3668).
 */
export class NumberAllocator {
  readonly #taken = new Set<number>();
  readonly #first: number;
  readonly #last: number;
  readonly #random: Random;

  constructor(first: number, last: number, random: Random) {
    this.#first = first;
    this.#last = last;
    this.#random = random;
  }

  contains(number: number): boolean {
    return number >= this.#first && number <= this.#last;
  }

  /** False if somebody has it already. */
  take(number: number): boolean {
    if (this.#taken.has(number)) return false;
    this.#taken.add(number);
    return true;
  }

  /** Undefined when the range is full. */
  next(): number | undefined {
    const size = this.#last - this.#first + 1;
    const reserved = Math.min(Math.max(16, Math.floor(size / 16)), 256, size - 1);
    return this.#search(this.#first + reserved, this.#last) ?? this.#search(this.#first, this.#first + reserved - 1);
  }

  release(number: number): void {
    this.#taken.delete(number);
  }

  clear(): void {
    this.#taken.clear();
  }

  #search(first: number, last: number): number | undefined {
    const size = last - first + 1;
    if (size <= 0) return undefined;
    const start = Math.floor(this.#random() * size);
    for (let step = 0; step < size; step++) {
      const number = first + ((start + step) % size);
      if (this.take(number)) return number;
    }
    return undefined;
  }
}

/** IPv4 addresses as numbers; the network's own and the broadcast address are never given out. */
export class AddressAllocator {
  readonly cidr: string;
  readonly #numbers: NumberAllocator;

  constructor(cidr: string, random: Random) {
    this.cidr = cidr;
    const { first, size } = parseIpv4Range(cidr);
    this.#numbers = new NumberAllocator(first + 1, first + size - 2, random);
  }

  contains(address: string): boolean {
    return isIPv4(address) && this.#numbers.contains(parseIpv4(address));
  }
  take(address: string): boolean {
    return isIPv4(address) && this.#numbers.take(parseIpv4(address));
  }
  next(): string | undefined {
    const number = this.#numbers.next();
    return number === undefined ? undefined : formatIpv4(number);
  }
  release(address: string): void {
    if (isIPv4(address)) this.#numbers.release(parseIpv4(address));
  }
}

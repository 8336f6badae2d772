import type { Random } from '@keelson/core';

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
    const [base = '', bits = ''] = cidr.split('/');
    const size = 2 ** (32 - Number(bits));
    const first = addressToNumber(base);
    this.#numbers = new NumberAllocator(first + 1, first + size - 2, random);
  }

  contains(address: string): boolean {
    return this.#numbers.contains(addressToNumber(address));
  }
  take(address: string): boolean {
    return this.#numbers.take(addressToNumber(address));
  }
  next(): string | undefined {
    const number = this.#numbers.next();
    return number === undefined ? undefined : numberToAddress(number);
  }
  release(address: string): void {
    this.#numbers.release(addressToNumber(address));
  }
}

function addressToNumber(address: string): number {
  return address.split('.').reduce((sum, each) => sum * 256 + Number(each), 0);
}

function numberToAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

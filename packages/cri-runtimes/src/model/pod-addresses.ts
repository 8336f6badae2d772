import { GrpcError, grpcCode } from '@keelson/core/cri';

/**
 * Hands out the host addresses of an IPv4 range, each to one holder at a time. The network address, the first host
 * address (the gateway by custom) and the broadcast address are left alone. Addresses given back are reused last.
 */
export class PodAddresses {
  readonly #first: number;
  readonly #count: number;
  readonly #taken = new Set<number>();
  #next = 0;

  /** @throws Error where `cidr` is not an IPv4 range. */
  constructor(cidr: string) {
    const { base, size } = parseCidr(cidr);
    this.#first = base + 2;
    this.#count = Math.max(0, size - 3);
  }

  /** @throws GrpcError `resourceExhausted` when every address is taken. */
  take(): string {
    for (let tried = 0; tried < this.#count; tried++) {
      const offset = this.#next;
      this.#next = (this.#next + 1) % this.#count;
      if (this.#taken.has(offset)) continue;
      this.#taken.add(offset);
      return formatIpv4(this.#first + offset);
    }
    throw new GrpcError(grpcCode.resourceExhausted, `all ${this.#count} pod addresses of this node are taken`);
  }

  /** Marks an address that was taken in an earlier life of the process. */
  reserve(address: string): void {
    const offset = parseIpv4(address) - this.#first;
    if (offset >= 0 && offset < this.#count) this.#taken.add(offset);
  }

  release(address: string): void {
    this.#taken.delete(parseIpv4(address) - this.#first);
  }
}

/** @throws Error where `cidr` is not an IPv4 range. */
export function parseCidr(cidr: string): { readonly base: number; readonly size: number } {
  const [address, prefix] = cidr.split('/');
  const bits = Number(prefix);
  if (address === undefined || !Number.isInteger(bits) || bits < 0 || bits > 32) {
    throw new Error(`${cidr} is not an IPv4 range such as 10.244.0.0/24`);
  }
  const size = 2 ** (32 - bits);
  return { base: Math.floor(parseIpv4(address) / size) * size, size };
}

/** @throws Error where `address` is not an IPv4 address. */
export function parseIpv4(address: string): number {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    throw new Error(`${address} is not an IPv4 address`);
  }
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

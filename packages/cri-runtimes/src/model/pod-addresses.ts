import { GrpcError, grpcCode } from '@keelson/core/cri';
import { formatIpv4, parseIpv4, parseIpv4Range } from '@keelson/core/machinery';

/**
 * Hands out the host addresses of an IPv4 range, each to one holder at a time. The network address, the first host
 * address (the gateway by custom) and the broadcast address are left alone. Addresses given back are reused last.
 */
export class PodAddresses {
  readonly #first: number;
  readonly #count: number;
  readonly #taken = new Set<number>();
  #next = 0;

  /** @throws RangeError where `cidr` is not an IPv4 range. */
  constructor(cidr: string) {
    const { first, size } = parseIpv4Range(cidr);
    this.#first = first + 2;
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

import type { Clock } from '@keelson/core/machinery';
import type { EtcdConnection } from './connection.ts';
import { methods } from './messages.ts';

/** Entries that end within so much of their time share a lease: a lease for each would burden etcd. */
const slack = 0.01;
const leastSlackSeconds = 5;
const mostSlackSeconds = 60;
const mostEntries = 1000;

interface Lease {
  readonly id: string;
  /** Until then entries may join: they live at least as long as they asked for. Milliseconds since the epoch. */
  readonly open: number;
  entries: number;
}

/** Leases that let entries go by themselves. */
export class Leases {
  readonly #connection: EtcdConnection;
  readonly #clock: Clock;
  readonly #current = new Map<number, Promise<Lease>>();

  constructor(connection: EtcdConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** The id of a lease that ends in `ttlSeconds` or a little later. */
  async leaseFor(ttlSeconds: number): Promise<string> {
    const known = await this.#current.get(ttlSeconds)?.catch(() => undefined);
    if (known && known.open > this.#clock.now() && known.entries < mostEntries) {
      known.entries++;
      return known.id;
    }
    const granted = this.#grant(ttlSeconds);
    this.#current.set(ttlSeconds, granted);
    return (await granted).id;
  }

  /** etcd does not know the lease any more. */
  forget(ttlSeconds: number): void {
    this.#current.delete(ttlSeconds);
  }

  async #grant(ttlSeconds: number): Promise<Lease> {
    const extra = Math.round(Math.min(Math.max(ttlSeconds * slack, leastSlackSeconds), mostSlackSeconds));
    const open = this.#clock.now() + extra * 1000;
    const { ID = '0' } = await this.#connection.call(methods.leaseGrant, { TTL: ttlSeconds + extra });
    return { id: String(ID), open, entries: 1 };
  }
}

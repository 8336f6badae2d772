import type { Clock, Logger } from '@keelson/core';
import type { ResourceCatalog } from '../registry/contract.ts';
import { customPrefixFor, prefixFor } from '../registry/kind.ts';
import type { Storage } from '../storage/contract.ts';
import type { ObjectStatistics } from './work-estimate.ts';

export interface ObjectSizesOptions {
  readonly catalog: ResourceCatalog;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Known {
  at: number;
  asking: boolean;
  statistics: ObjectStatistics | undefined;
}

/** How long a number is good for. */
const freshMs = 10_000;
/** So many objects stand for all of a kind. */
const sample = 32;

/** How many objects of a kind there are and how large they are, about; asked for anew when it is needed, never waited for. */
export class ObjectSizes {
  readonly #options: ObjectSizesOptions;
  /** By prefix: not more than there are kinds. */
  readonly #known = new Map<string, Known>();

  constructor(options: ObjectSizesOptions) {
    this.#options = options;
    options.catalog.changes$.subscribe(({ before }) => {
      for (const { group, resource } of before) this.#known.delete(customPrefixFor(group, resource));
    });
  }

  /** `undefined`: not known yet, or no such kind. */
  of(group: string, version: string, resource: string): ObjectStatistics | undefined {
    const { catalog, clock } = this.#options;
    const served = catalog.find(group, version, resource);
    if (!served) return undefined;
    const prefix = served.custom ? customPrefixFor(group, resource) : prefixFor(group, resource);
    let known = this.#known.get(prefix);
    if (!known) {
      known = { at: Number.NEGATIVE_INFINITY, asking: false, statistics: undefined };
      this.#known.set(prefix, known);
    }
    if (!known.asking && clock.now() - known.at > freshMs) this.#ask(prefix, known);
    return known.statistics;
  }

  #ask(prefix: string, known: Known): void {
    const { storage, clock, logger } = this.#options;
    known.asking = true;
    const read = async () => {
      const { entries, remaining } = await storage.list(prefix, { limit: sample, atLeast: 0 });
      const bytes = entries.reduce((sum, { value }) => sum + value.length, 0);
      const count = entries.length + remaining;
      known.statistics = { count, bytes: entries.length === 0 ? 0 : (bytes * count) / entries.length };
    };
    read()
      .catch((error: unknown) => logger.debug('the size of a kind is not known', { prefix, error: String(error) }))
      .finally(() => {
        known.asking = false;
        known.at = clock.now();
      });
  }
}

import { StatusError } from '@keelson/core';
import type { WriteTerms } from '@keelson/core/admission';
import {
  type Fence,
  FencedError,
  StorageClosedError,
  StorageFailedError,
  StorageUnavailableError,
  type StoredEntry,
  type WriteOptions,
} from '../storage/contract.ts';
import type { RegistryContext } from './context.ts';

type Outcome = Parameters<NonNullable<WriteTerms['ended']>>[0];

/** Makes one write, perhaps with fences. */
export type Put = (write: (fences: readonly Fence[] | undefined) => Promise<StoredEntry>) => Promise<StoredEntry>;

const plainPut: Put = (write) => write(undefined);

export function withFences(
  options: WriteOptions | undefined,
  ...given: readonly (readonly Fence[] | undefined)[]
): WriteOptions | undefined {
  const fences = given.flatMap((each) => each ?? []);
  return fences.length === 0 ? options : { ...options, fences };
}

/** How often terms are renewed before the client is told to come again. */
const mostRenewals = 10;

/**
 * Does `work`, which makes its write through what it is given, on the terms of admission. Their plugins are told how the
 * write has ended, whatever else `work` does; without terms nothing is done but the work.
 */
export async function onTerms<T>(
  context: Pick<RegistryContext, 'logger'>,
  terms: readonly WriteTerms[] | undefined,
  work: (put: Put) => Promise<T>,
): Promise<T> {
  if (terms === undefined) return work(plainPut);
  const write = new TermedWrite(terms);
  try {
    return await work(write.put);
  } finally {
    await endTerms(context, write.terms, write.outcome);
  }
}

/** What a plugin cannot do afterwards changes nothing about the write: it is logged. */
export async function endTerms(
  { logger }: Pick<RegistryContext, 'logger'>,
  terms: readonly WriteTerms[],
  outcome: Outcome,
): Promise<void> {
  for (const each of terms) {
    try {
      await each.ended?.(outcome);
    } catch (error) {
      logger.warn('admission could not settle a write that has ended', { outcome, error: String(error) });
    }
  }
}

class TermedWrite {
  terms: readonly WriteTerms[];
  outcome: Outcome = 'failed';

  constructor(terms: readonly WriteTerms[]) {
    this.terms = terms;
  }

  readonly put: Put = async (write) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const entry = await write(this.terms.flatMap(({ fences = [] }) => fences));
        this.outcome = 'written';
        return entry;
      } catch (error) {
        if (!(error instanceof FencedError)) {
          if (mayBeWritten(error)) this.outcome = 'unknown';
          throw error;
        }
        if (attempt >= mostRenewals) {
          throw StatusError.of(429, 'TooManyRequests', 'what the write depends on changes too often', {
            retryAfterSeconds: 1,
          });
        }
        await this.#renew();
      }
    }
  };

  async #renew(): Promise<void> {
    let left = this.terms;
    const renewed: WriteTerms[] = [];
    this.terms = [];
    while (left.length > 0) {
      const [first, ...rest] = left;
      left = rest;
      try {
        const next = first?.renew ? await first.renew() : first;
        if (next) renewed.push(next);
      } finally {
        this.terms = [...renewed, ...left];
      }
    }
  }
}

function mayBeWritten(error: unknown): boolean {
  if (error instanceof StorageUnavailableError) return error.outcome === 'unknown';
  return error instanceof StorageFailedError || error instanceof StorageClosedError;
}

import type { WriteTerms } from '@keelson/core/admission';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import {
  type Fence,
  FencedError,
  KeyExistsError,
  StorageUnavailableError,
  type StoredEntry,
} from '../storage/contract.ts';
import { onTerms } from './write-terms.ts';

const context = { logger: silentLogger };
const entry: StoredEntry = { key: '/a', value: new Uint8Array(), createRevision: 1, modRevision: 1 };
const fence = (revision: number) => ({ key: '/fence', revision });

/** Terms behind a fence, and those that they are renewed to; notes what is asked of them. */
function terms(revision: number, log: string[]): WriteTerms {
  return {
    fences: [fence(revision)],
    renew: async () => {
      log.push(`renew ${revision}`);
      return terms(revision + 1, log);
    },
    ended: async (outcome) => void log.push(`${outcome} ${revision}`),
  };
}

/** A write that goes through once the fence is at `revision`. */
const at = (revision: number) => async (fences: readonly Fence[] | undefined) => {
  if (fences?.[0]?.revision !== revision) throw new FencedError('/a', [fence(revision)]);
  return entry;
};

describe('a write on terms', () => {
  it('is made with their fences, and they learn that it is', async () => {
    const log: string[] = [];
    expect(await onTerms(context, [terms(1, log)], (put) => put(at(1)))).toBe(entry);
    expect(log).toEqual(['written 1']);
  });

  it('is tried again on renewed terms where a fence has moved', async () => {
    const log: string[] = [];
    await onTerms(context, [terms(1, log)], (put) => put(at(3)));
    expect(log).toEqual(['renew 1', 'renew 2', 'written 3']);
  });

  it('is given up in the end', async () => {
    const log: string[] = [];
    await expect(onTerms(context, [terms(1, log)], (put) => put(at(99)))).rejects.toMatchObject({ code: 429 });
    expect(log.at(-1)).toBe('failed 10');
  });

  it('has failed where it was refused, or never made', async () => {
    const log: string[] = [];
    const exists = async () => {
      throw new KeyExistsError('/a exists already');
    };
    await expect(onTerms(context, [terms(1, log)], (put) => put(exists))).rejects.toThrow('exists already');
    await onTerms(context, [terms(2, log)], async () => undefined);
    expect(log).toEqual(['failed 1', 'failed 2']);
  });

  it('may have happened where the store could not tell, and has where what came after it failed', async () => {
    const log: string[] = [];
    const lost = async () => {
      throw new StorageUnavailableError('gone', 'unknown');
    };
    await expect(onTerms(context, [terms(1, log)], (put) => put(lost))).rejects.toThrow('gone');
    const later = onTerms(context, [terms(2, log)], async (put) => {
      await put(at(2));
      throw new Error('later');
    });
    await expect(later).rejects.toThrow('later');
    expect(log).toEqual(['unknown 1', 'written 2']);
  });

  it('tells all of them, also where one fails at it', async () => {
    const log: string[] = [];
    const failing: WriteTerms = { ended: () => Promise.reject(new Error('no')) };
    expect(await onTerms(context, [failing, terms(1, log)], (put) => put(at(1)))).toBe(entry);
    expect(log).toEqual(['written 1']);
  });
});

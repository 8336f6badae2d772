import { describe, expect, it } from 'vitest';
import { validityOf } from './validity.ts';

const now = Date.parse('2026-11-21T13:46:00Z');
const yearMs = 8760 * 3_600_000;

describe('how long a certificate is valid', () => {
  /** As kube-controller-manager v1.35.4 signs; seconds from then on. */
  it.each([
    { asked: undefined, longestMs: yearMs, after: 8760 * 3600 - 300 },
    { asked: undefined, longestMs: 100_000, after: 100 },
    { asked: 600, longestMs: yearMs, after: 600 },
    { asked: 3600, longestMs: yearMs, after: 3600 },
    { asked: 28_799, longestMs: yearMs, after: 28_799 },
    { asked: 28_800, longestMs: yearMs, after: 28_500 },
    { asked: 36_000, longestMs: yearMs, after: 35_700 },
    { asked: 36_000, longestMs: 100_000, after: 100 },
    { asked: 1, longestMs: yearMs, after: 600 },
  ])('asked for $asked s of at most $longestMs ms: $after s', ({ asked, longestMs, after }) => {
    expect(validityOf(now, longestMs, asked)).toEqual({ notBefore: now - 300_000, notAfter: now + after * 1000 });
  });
});

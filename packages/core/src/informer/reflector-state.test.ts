import { describe, expect, it } from 'vitest';
import { StatusError } from '../machinery/index.ts';
import { backOffMs, initialState, nextStep, type ReflectorState } from './reflector-state.ts';

const watching: ReflectorState = { phase: 'watch', attempt: 0, resourceVersion: '5' };
const ended = (more: object = {}) => ({
  type: 'ended' as const,
  resourceVersion: '9',
  events: 3,
  lastedMs: 5_000,
  ...more,
});
const expired = StatusError.expired('too old resource version: 5 (9)');

describe('nextStep', () => {
  it('watches from where the list stood', () => {
    expect(nextStep(initialState, { type: 'listed', resourceVersion: '5' }, 0)).toEqual({ next: watching, waitMs: 0 });
  });

  it('resumes at once after a usual end', () => {
    expect(nextStep(watching, ended(), 0)).toEqual({ next: { ...watching, resourceVersion: '9' }, waitMs: 0 });
  });

  it('waits before it resumes a watch that ended at once, longer each time', () => {
    const first = nextStep(watching, ended({ events: 0, lastedMs: 3 }), 1);
    expect(first).toEqual({ next: { phase: 'watch', attempt: 1, resourceVersion: '9' }, waitMs: 800 });
    expect(nextStep(first.next, ended({ events: 0, lastedMs: 3 }), 1).waitMs).toBe(1_600);
  });

  it('resumes with back-off after a lost connection, and after 429 and 5xx', () => {
    for (const error of [new Error('reset'), StatusError.of(429, 'TooManyRequests', 'x'), StatusError.internal('x')]) {
      expect(nextStep(watching, ended({ error, events: 0 }), 1)).toEqual({
        next: { phase: 'watch', attempt: 1, resourceVersion: '9' },
        waitMs: 800,
      });
    }
  });

  it('lists anew when the revision is gone: at once, but not in a loop', () => {
    const first = nextStep(watching, ended({ error: expired, events: 0 }), 1);
    expect(first).toEqual({ next: { phase: 'list', attempt: 1 }, waitMs: 0 });
    expect(nextStep({ ...watching, attempt: 1 }, ended({ error: expired, events: 0 }), 1).waitMs).toBe(1_600);
  });

  it('lists anew when resuming cannot help', () => {
    const ahead = StatusError.of(504, 'Timeout', 'Too large resource version: 100, current: 9');
    const forbidden = StatusError.forbidden({ group: '', resource: 'pods' }, '', 'no');
    for (const error of [ahead, forbidden]) {
      expect(nextStep(watching, ended({ error, events: 0 }), 1)).toEqual({
        next: { phase: 'list', attempt: 1 },
        waitMs: 800,
      });
    }
  });

  it('tries a failed list again', () => {
    expect(nextStep({ phase: 'list', attempt: 2 }, { type: 'listFailed', error: new Error('x') }, 0)).toEqual({
      next: { phase: 'list', attempt: 3 },
      waitMs: 1_600,
    });
  });
});

describe('backOffMs', () => {
  it('goes from 0.8 s to 30 s, half of it by chance, and never under what the server asks for', () => {
    expect([0, 1, 2, 5, 6, 50].map((attempt) => backOffMs(attempt, undefined, 1))).toEqual([
      800, 1_600, 3_200, 25_600, 30_000, 30_000,
    ]);
    expect(backOffMs(0, undefined, 0)).toBe(400);
    const slow = StatusError.of(429, 'TooManyRequests', 'x', { retryAfterSeconds: 7 });
    expect(backOffMs(0, slow, 0)).toBe(7_000);
  });
});

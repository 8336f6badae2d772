import { describe, expect, it } from 'vitest';
import { StatusError } from '../machinery/index.ts';
import { backOffMs, initialState, nextStep, type ReflectorState, UnmarkedStreamError } from './reflector-state.ts';

const watching: ReflectorState = { phase: 'watch', failures: 0, resourceVersion: '5', streams: true };
const ended = (more: object = {}) => ({
  type: 'ended' as const,
  resourceVersion: '9',
  events: 3,
  lastedMs: 5_000,
  ...more,
});
const broken = (error?: unknown) => ({
  type: 'ended' as const,
  resourceVersion: undefined,
  events: 3,
  lastedMs: 5_000,
  ...(error !== undefined && { error }),
});
const expired = StatusError.expired('too old resource version: 5 (9)');
const invalid = StatusError.of(422, 'Invalid', 'sendInitialEvents: Forbidden');
const refused = StatusError.of(503, 'ServiceUnavailable', 'not yet');

describe('nextStep', () => {
  it('watches from where the list stood', () => {
    expect(nextStep({ phase: 'list', failures: 2 }, { type: 'listed', resourceVersion: '5' }, 0)).toEqual({
      next: { ...watching, streams: false },
      waitMs: 0,
    });
  });

  it('goes on watching after a stream that has come to the end of its list', () => {
    expect(nextStep(initialState, ended(), 0)).toEqual({ next: { ...watching, resourceVersion: '9' }, waitMs: 0 });
  });

  it('lists where the server does not stream, or does not say where the list ends', () => {
    for (const error of [invalid, new UnmarkedStreamError(), StatusError.badRequest('x')]) {
      expect(nextStep(initialState, broken(error), 0)).toEqual({ next: { phase: 'list', failures: 0 }, waitMs: 0 });
    }
  });

  it('streams again after a stream that broke off, and lists when that goes on, but not for a server that is away', () => {
    const reset = new Error('connection reset');
    const first = nextStep(initialState, broken(reset), 1);
    expect(first).toEqual({ next: { phase: 'stream', failures: 1 }, waitMs: 800 });
    const second = nextStep(first.next, broken(reset), 1);
    expect(second).toEqual({ next: { phase: 'stream', failures: 2 }, waitMs: 1_600 });
    expect(nextStep(second.next, broken(reset), 1)).toEqual({ next: { phase: 'list', failures: 3 }, waitMs: 3_200 });
    expect(nextStep(second.next, broken(refused), 1).next).toEqual({ phase: 'stream', failures: 3 });
  });

  it('resumes at once after a usual end', () => {
    expect(nextStep(watching, ended(), 0)).toEqual({ next: { ...watching, resourceVersion: '9' }, waitMs: 0 });
  });

  it('waits before it resumes a watch that ended at once, longer each time', () => {
    const first = nextStep(watching, ended({ events: 0, lastedMs: 3 }), 1);
    expect(first).toEqual({ next: { ...watching, failures: 1, resourceVersion: '9' }, waitMs: 800 });
    expect(nextStep(first.next, ended({ events: 0, lastedMs: 3 }), 1).waitMs).toBe(1_600);
  });

  it('resumes with back-off after a lost connection, and after 429 and 5xx', () => {
    for (const error of [new Error('reset'), StatusError.of(429, 'TooManyRequests', 'x'), StatusError.internal('x')]) {
      expect(nextStep(watching, ended({ error, events: 0 }), 1)).toEqual({
        next: { ...watching, failures: 1, resourceVersion: '9' },
        waitMs: 800,
      });
    }
  });

  it('does not take minutes of silence for a failure in a loop', () => {
    const state: ReflectorState = { ...watching, failures: 5 };
    const silent = (lastedMs: number) => nextStep(state, ended({ error: new Error('silent'), events: 0, lastedMs }), 1);
    expect(silent(29_000)).toMatchObject({ next: { failures: 6 }, waitMs: 25_600 });
    expect(silent(180_000)).toMatchObject({ next: { failures: 1 }, waitMs: 800 });
  });

  it('begins anew when the revision is gone: at once, but not in a loop, and as the server can', () => {
    const first = nextStep(watching, ended({ error: expired, events: 0 }), 1);
    expect(first).toEqual({ next: { phase: 'stream', failures: 1 }, waitMs: 0 });
    expect(nextStep({ ...watching, failures: 1 }, ended({ error: expired, events: 0 }), 1).waitMs).toBe(1_600);
    expect(nextStep({ ...watching, streams: false }, ended({ error: expired }), 1).next.phase).toBe('list');
  });

  it('begins anew when resuming cannot help', () => {
    const ahead = StatusError.of(504, 'Timeout', 'Too large resource version: 100, current: 9');
    const forbidden = StatusError.forbidden({ group: '', resource: 'pods' }, '', 'no');
    for (const error of [ahead, forbidden]) {
      expect(nextStep(watching, ended({ error, events: 0 }), 1)).toEqual({
        next: { phase: 'stream', failures: 1 },
        waitMs: 800,
      });
    }
  });

  it('tries a failed list again, undivided where its pages expire', () => {
    expect(nextStep({ phase: 'list', failures: 2 }, { type: 'listFailed', error: new Error('x') }, 0)).toEqual({
      next: { phase: 'list', failures: 3 },
      waitMs: 1_600,
    });
    const first = nextStep({ phase: 'list', failures: 0 }, { type: 'listFailed', error: expired }, 1);
    expect(first).toEqual({ next: { phase: 'list', failures: 1, undivided: true }, waitMs: 0 });
    expect(nextStep(first.next, { type: 'listFailed', error: refused }, 1)).toEqual({
      next: { phase: 'list', failures: 2, undivided: true },
      waitMs: 1_600,
    });
  });
});

describe('backOffMs', () => {
  it('goes from 0.8 s to 30 s, half of it by chance, and never under what the server asks for', () => {
    expect([0, 1, 2, 5, 6, 50].map((failures) => backOffMs(failures, undefined, 1))).toEqual([
      800, 1_600, 3_200, 25_600, 30_000, 30_000,
    ]);
    expect(backOffMs(0, undefined, 0)).toBe(400);
    const slow = StatusError.of(429, 'TooManyRequests', 'x', { retryAfterSeconds: 7 });
    expect(backOffMs(0, slow, 0)).toBe(7_000);
  });

  it('asks more often for a kind that is not there yet', () => {
    expect(backOffMs(20, StatusError.notFound({ group: 'example.com', resource: 'websites' }, ''), 1)).toBe(5_000);
  });
});

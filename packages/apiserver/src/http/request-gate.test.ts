import { isStatusError, StatusError } from '@keelson/core';
import { FakeClock } from '@keelson/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { kindOf, RequestGate } from './request-gate.ts';

const never = new AbortController().signal;
const outcome = (work: Promise<void>) =>
  work.then(
    () => 'in',
    (error: unknown) => (error instanceof StatusError ? error.code : String(error)),
  );

describe('RequestGate', () => {
  let clock: FakeClock;
  let gate: RequestGate;
  beforeEach(() => {
    clock = new FakeClock();
    gate = new RequestGate(clock, { readOnly: 1, mutating: 2, waiting: 2, waitMs: 1000 });
  });

  it('lets in so many at once, of each kind', () => {
    expect([gate.tryEnter('mutating'), gate.tryEnter('mutating'), gate.tryEnter('mutating')]).toEqual([
      true,
      true,
      false,
    ]);
    expect([gate.tryEnter('readOnly'), gate.tryEnter('readOnly')]).toEqual([true, false]);
    gate.leave('readOnly');
    expect(gate.tryEnter('readOnly')).toBe(true);
  });

  it('gives turns in order, and none twice', async () => {
    gate.tryEnter('readOnly');
    const order: string[] = [];
    const first = gate.enter('readOnly', never).then(() => order.push('first'));
    const second = gate.enter('readOnly', never).then(() => order.push('second'));
    expect(gate.waiting('readOnly')).toBe(2);
    gate.leave('readOnly');
    await first;
    expect(gate.tryEnter('readOnly')).toBe(false);
    gate.leave('readOnly');
    await second;
    expect(order).toEqual(['first', 'second']);
    gate.leave('readOnly');
    expect(gate.tryEnter('readOnly')).toBe(true);
  });

  it('sends away what would wait too long, or in too long a queue, and says when to come again', async () => {
    gate.tryEnter('readOnly');
    const waiting = [outcome(gate.enter('readOnly', never)), outcome(gate.enter('readOnly', never))];
    expect(await outcome(gate.enter('readOnly', never))).toBe(429);
    await clock.advance(1000);
    expect(await Promise.all(waiting)).toEqual([429, 429]);
    expect(gate.waiting('readOnly')).toBe(0);
    const error: unknown = await gate.enter('readOnly', AbortSignal.abort(new Error('gone'))).catch((each) => each);
    expect(isStatusError(error)).toBe(false);
  });

  it('forgets who has gone', async () => {
    gate.tryEnter('readOnly');
    const gone = new AbortController();
    const waiting = outcome(gate.enter('readOnly', gone.signal));
    gone.abort(new Error('gone'));
    expect(await waiting).toBe('Error: gone');
    gate.leave('readOnly');
    expect(gate.tryEnter('readOnly')).toBe(true);
  });
});

describe('kindOf', () => {
  const user = { name: 'a', groups: ['b'] };
  const on = (verb: string, path = '/api') => ({ isResource: false, verb, path }) as const;

  it('tells what reads from what changes', () => {
    expect(kindOf(user, on('get'), false)).toBe('readOnly');
    expect(kindOf(user, on('post'), false)).toBe('mutating');
  });

  it('leaves out administrators, probes and what stays open', () => {
    expect(kindOf({ name: 'a', groups: ['system:masters'] }, on('post'), false)).toBeUndefined();
    expect(kindOf(user, on('get', '/readyz/ping'), false)).toBeUndefined();
    expect(kindOf(user, on('get'), true)).toBeUndefined();
  });
});

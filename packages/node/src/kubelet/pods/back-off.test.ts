import { FakeClock } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { BackOff } from './back-off.ts';

describe('BackOff', () => {
  it('doubles from 10 s to 5 min and forgets after 10 min of health', async () => {
    const clock = new FakeClock();
    const backOff = new BackOff(clock);
    const delays: number[] = [];
    for (let crash = 0; crash < 8; crash += 1) {
      const failedAt = clock.now();
      delays.push(backOff.remaining('k', failedAt) / 1000);
      await clock.advance(backOff.remaining('k', failedAt));
      expect(backOff.remaining('k', failedAt)).toBe(0);
      backOff.next('k', failedAt);
    }
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    await clock.advance(600_001);
    expect(backOff.remaining('k', clock.now())).toBe(0);
    backOff.next('k', clock.now());
    expect(backOff.delay('k')).toBe(10_000);
  });

  it('forgets by prefix', () => {
    const clock = new FakeClock();
    const backOff = new BackOff(clock);
    backOff.next('u_a', clock.now());
    backOff.next('v_a', clock.now());
    backOff.forget('u_');
    expect([backOff.delay('u_a'), backOff.delay('v_a')]).toEqual([0, 10_000]);
  });
});

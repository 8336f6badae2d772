import { describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/index.ts';
import { EventSpamFilter } from './event-spam-filter.ts';

describe('EventSpamFilter', () => {
  it('lets 25 through at once and then one in five minutes, for each key', async () => {
    const clock = new FakeClock();
    const filter = new EventSpamFilter(clock);
    const allowed = (key: string, times: number) =>
      Array.from({ length: times }, () => filter.allows(key)).filter(Boolean).length;
    expect(allowed('kubelet a', 40)).toBe(25);
    expect(allowed('kubelet b', 1)).toBe(1);
    await clock.advance(299_999);
    expect(allowed('kubelet a', 3)).toBe(0);
    await clock.advance(1);
    expect(allowed('kubelet a', 3)).toBe(1);
    await clock.advance(600_000);
    expect(allowed('kubelet a', 3)).toBe(2);
  });

  it('remembers a bounded number of keys', () => {
    const filter = new EventSpamFilter(new FakeClock());
    for (let each = 0; each < 25; each += 1) filter.allows('first');
    expect(filter.allows('first')).toBe(false);
    for (let each = 0; each < 5000; each += 1) filter.allows(`other ${each}`);
    expect(filter.allows('first')).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { Pod } from '../api/index.ts';
import { FakeClock } from '../testing/index.ts';
import { EventCorrelator } from './event-correlator.ts';

const pod = (name: string) => ({ metadata: { name, namespace: 'ns', uid: name } });

function setup() {
  const clock = new FakeClock();
  const correlator = new EventCorrelator(clock);
  const tell = (
    message: string,
    more: { readonly reason?: string; readonly name?: string; readonly host?: string } = {},
  ) => {
    const { reason = 'Failed', name = 'p', host } = more;
    return correlator.correlate({
      type: Pod,
      object: pod(name),
      kind: 'Warning',
      reason,
      message,
      component: 'kubelet',
      host,
    });
  };
  return { clock, tell };
}

describe('EventCorrelator', () => {
  it('counts what is equal, apart for each reason, object and source', () => {
    const { tell } = setup();
    expect([tell('a').count, tell('a').count, tell('a').count]).toEqual([1, 2, 3]);
    expect(tell('a', { reason: 'Other' }).count).toBe(1);
    expect(tell('a', { name: 'q' }).count).toBe(1);
    expect(tell('a', { host: 'n1' }).count).toBe(1);
  });

  it('goes on counting those nine apart that it told first, and the rest together', () => {
    const { tell } = setup();
    for (let each = 1; each <= 12; each += 1) tell(`${each}`);
    expect(tell('9')).toMatchObject({ message: '9', count: 2 });
    expect(tell('12')).toMatchObject({ message: '(combined from similar events): 12', count: 4 });
    expect(tell('new', { reason: 'Other' })).toMatchObject({ message: 'new', count: 1 });
  });

  it('begins to tell one by one again when nothing similar came for ten minutes', async () => {
    const { clock, tell } = setup();
    for (let each = 1; each <= 12; each += 1) tell(`${each}`);
    await clock.advance(600_000);
    expect(tell('13').message).toBe('(combined from similar events): 13');
    await clock.advance(600_001);
    expect(tell('14').message).toBe('14');
  });

  it('counts also what may not be told: 25 at once of one source about one object', async () => {
    const { clock, tell } = setup();
    const allowed = Array.from({ length: 40 }, () => tell('a').allowed);
    expect(allowed.filter(Boolean)).toHaveLength(25);
    expect(tell('a', { name: 'q' }).allowed).toBe(true);
    await clock.advance(300_000);
    expect(tell('a')).toMatchObject({ allowed: true, count: 41 });
  });

  it('forgets whom it has not heard of for longest', () => {
    const { tell } = setup();
    tell('a');
    tell('a');
    for (let each = 0; each < 4_096; each += 1) tell('a', { name: `other-${each}` });
    expect(tell('a').count).toBe(1);
  });
});

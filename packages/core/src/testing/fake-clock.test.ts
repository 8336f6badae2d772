import { describe, expect, it } from 'vitest';
import { FakeClock, waitFor } from './index.ts';

describe('FakeClock', () => {
  it('calls due timers in order of their time, and lets promises settle between them', async () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    const start = clock.now();
    clock.after(20, () => seen.push(`b${clock.now() - start}`));
    clock.after(10, () => {
      seen.push('a');
      void Promise.resolve().then(() => clock.after(5, () => seen.push(`c${clock.now() - start}`)));
    });
    const cancel = clock.after(12, () => seen.push('never'));
    cancel();
    await clock.advance(19);
    expect(seen).toEqual(['a', 'c15']);
    await clock.advance(1);
    expect(seen).toEqual(['a', 'c15', 'b20']);
    expect(clock.pending).toEqual({ timers: 0, nextInMs: undefined });
  });

  it('sleeps until its time, or until aborted', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const slept = clock.sleep(100).then(() => clock.now());
    const aborted = expect(clock.sleep(100, abort.signal)).rejects.toThrow('enough');
    abort.abort(new Error('enough'));
    await aborted;
    await expect(clock.sleep(1, abort.signal)).rejects.toThrow('enough');
    const start = clock.now();
    await clock.advance(100);
    expect(await slept).toBe(start + 100);
    expect(clock.pending.timers).toBe(0);
  });

  it('jumps until a condition holds, and says so when it cannot', async () => {
    const clock = new FakeClock();
    let ticks = 0;
    const tick = () => {
      ticks += 1;
      clock.after(1_000, tick);
    };
    tick();
    await clock.advanceUntil(() => ticks === 10);
    await expect(clock.advanceUntil(() => false, 5_000)).rejects.toThrow('after 5000 ms');
  });
});

describe('waitFor', () => {
  it('resolves to what the condition gives, and reports its last error when time is up', async () => {
    let asked = 0;
    expect(await waitFor(() => (++asked === 3 ? 'there' : undefined), { intervalMs: 1 })).toBe('there');
    const error = await waitFor(() => Promise.reject(new Error('why')), {
      timeoutMs: 5,
      intervalMs: 1,
      what: 'it',
    }).catch((each: unknown) => each);
    expect(error).toMatchObject({ message: 'waited 5 ms for it', cause: { message: 'why' } });
  });
});

it('lets work that takes turns of the event loop end before its time is up', async () => {
  const clock = new FakeClock();
  let done = 0;
  let late = false;
  const work = async () => {
    clock.after(1_000, () => {
      late = done < 100;
    });
    for (; done < 100; done += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  void work();
  await clock.advance(1_000_000);
  expect([done, late]).toEqual([100, false]);
});

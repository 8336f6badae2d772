import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { Lease } from '../api/index.ts';
import type { ApiRequest } from '../client/index.ts';
import { createClient } from '../client/index.ts';
import { type Clock, sleepOn } from '../machinery/index.ts';
import { FakeClock, settle, silentLogger } from '../testing/index.ts';
import { LeaderElector } from './leader-election.ts';

const ref = { namespace: 'default', name: 'operator' };

/** What it shows may jump; its timers are true, as those of a machine whose date is set. */
class JumpingClock implements Clock {
  readonly #base: FakeClock;
  #offset = 0;

  constructor(base: FakeClock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.#offset;
  }

  after(ms: number, callback: () => void): () => void {
    return this.#base.after(ms, callback);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  jump(ms: number): void {
    this.#offset += ms;
  }
}

function setup() {
  const api = new ModelApi();
  const clock = new FakeClock();
  const client = createClient(api);
  const candidate = (identity: string, more: { random?: () => number } = {}) => {
    const faulty = new ModelApi();
    let fault: (request: ApiRequest) => Promise<void> | void = () => undefined;
    let lost: (request: ApiRequest) => Promise<void> | void = () => undefined;
    const shown = new JumpingClock(clock);
    const own = createClient({
      request: async (request) => {
        await fault(request);
        const answer = await api.request(request);
        await lost(request);
        return answer;
      },
      watch: (request) => api.watch(request),
      raw: () => faulty.raw(),
    });
    const { random = () => 0.5 } = more;
    const elector = new LeaderElector({ client: own, clock: shown, random, logger: silentLogger, ...ref, identity });
    elector.start();
    return {
      elector,
      /** Before the request arrives. */
      cut: (with_: typeof fault) => (fault = with_),
      /** After it took effect. */
      lose: (with_: typeof lost) => (lost = with_),
      heal: () => {
        fault = () => undefined;
        lost = () => undefined;
      },
      jump: (ms: number) => shown.jump(ms),
    };
  };
  const holder = async () => (await client.get(Lease, ref)).spec?.holderIdentity;
  return { api, clock, client, candidate, holder };
}

const away = () => {
  throw new Error('connection refused');
};

describe('LeaderElector', () => {
  it('lets one lead, and the next as soon as that one stops', async () => {
    const { clock, client, candidate, holder } = setup();
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(60_000);
    expect([a.elector.leading, b.elector.leading]).toEqual([true, false]);
    const lost = await a.elector.lead(new AbortController().signal);
    const waiting = b.elector.lead(new AbortController().signal);
    await a.elector.stop();
    expect(lost.aborted).toBe(true);
    expect(await holder()).toBe('');
    await clock.advance(5_000);
    expect((await waiting).aborted).toBe(false);
    expect((await client.get(Lease, ref)).spec).toMatchObject({
      holderIdentity: 'b',
      leaseDurationSeconds: 15,
      leaseTransitions: 1,
    });
    await b.elector.stop();
  });

  it('leads no longer when it cannot renew, before another one does', async () => {
    const { clock, candidate } = setup();
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(20_000);
    const lost = await a.elector.lead(new AbortController().signal);
    a.cut(away);
    await clock.advance(7_000);
    expect(lost.aborted).toBe(false);
    await clock.advance(4_000);
    expect(lost.aborted).toBe(true);
    expect(String(lost.reason)).toContain('the lease was not renewed within 10000 ms');
    expect(b.elector.leading).toBe(false);
    await clock.advance(12_000);
    expect(b.elector.leading).toBe(true);
    a.heal();
    await clock.advance(60_000);
    expect([a.elector.leading, b.elector.leading]).toEqual([false, true]);
    await Promise.all([a.elector.stop(), b.elector.stop()]);
  });

  it('ends its term at the deadline also while a renewal hangs', async () => {
    const { clock, candidate } = setup();
    const a = candidate('a');
    await clock.advance(0);
    const lost = await a.elector.lead(new AbortController().signal);
    let free: () => void = () => undefined;
    a.cut(() => new Promise<void>((resolve) => (free = resolve)));
    await clock.advance(12_100);
    expect(lost.aborted).toBe(true);
    free();
    await settle();
    // That answer came too late to say anything about now.
    expect(a.elector.leading).toBe(false);
    a.heal();
    await clock.advance(60_000);
    expect(a.elector.leading).toBe(true);
    await a.elector.stop();
  });

  it('does not take over because its clock was set forward, and does not lead on because it was set back', async () => {
    const { clock, candidate } = setup();
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(6_000);
    // It sees no renewal for a while, yet not for as long as the lease holds.
    a.cut(away);
    await clock.advance(6_000);
    b.jump(3_600_000);
    await clock.advance(3_000);
    expect([a.elector.leading, b.elector.leading]).toEqual([true, false]);
    a.heal();
    await clock.advance(3_000);
    // It is set back between a renewal and its answer, which is the last one.
    a.lose(({ verb }) => {
      if (verb !== 'update') return;
      a.jump(-3_600_000);
      a.lose(() => undefined);
      a.cut(away);
    });
    await clock.advance(12_100);
    expect(a.elector.leading).toBe(false);
    await clock.advance(20_000);
    expect([a.elector.leading, b.elector.leading]).toEqual([false, true]);
    await Promise.all([a.elector.stop(), b.elector.stop()]);
  });

  it('is not troubled by answers of attempts that were given up', async () => {
    const { clock, candidate } = setup();
    const a = candidate('a');
    await clock.advance(0);
    const late: (() => void)[] = [];
    a.lose(() => new Promise<void>((resolve) => late.push(resolve)));
    await clock.advance(14_000);
    a.heal();
    await clock.advance(12_000);
    expect(a.elector.leading).toBe(true);
    const lost = await a.elector.lead(new AbortController().signal);
    for (const each of late) each();
    await settle();
    expect(lost.aborted).toBe(false);
    a.lose(() => new Promise<void>((resolve) => late.push(resolve)));
    await clock.advance(3_000);
    a.heal();
    await a.elector.stop();
    for (const each of late) each();
    await settle();
    expect(a.elector.leading).toBe(false);
    expect(clock.pending.timers).toBe(0);
  });

  it('does not give the lease back while something is still done under it', async () => {
    const { candidate, clock, holder } = setup();
    const a = candidate('a');
    await clock.advance(0);
    const ended = a.elector.acting();
    await a.elector.stop();
    expect(await holder()).toBe('a');
    ended();
  });

  it('gives up waiting when told so, and refuses times that allow two leaders', async () => {
    const { candidate, clock, client } = setup();
    const b = candidate('b');
    b.cut(away);
    await clock.advance(1_000);
    const stop = new AbortController();
    const waiting = b.elector.lead(stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await b.elector.stop();
    const environment = { client, clock, random: () => 0, logger: silentLogger, ...ref, identity: 'x' };
    expect(() => new LeaderElector({ ...environment, renewDeadlineMs: 15_000 })).toThrow(
      'leaseDurationMs (15000) must be more than renewDeadlineMs (15000)',
    );
  });

  it('never has two leaders, whatever is cut when, and always gets one again', async () => {
    const step = fc.record({
      who: fc.nat(2),
      what: fc.constantFrom('cut', 'heal', 'hang', 'lose', 'late', 'jump', 'jump back', 'free', 'time', 'time', 'time'),
      ms: fc.integer({ min: 100, max: 9_000 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { minLength: 3, maxLength: 3 }),
        async (steps, randoms) => {
          const { clock, candidate } = setup();
          const candidates = randoms.map((each, at) => candidate(`c${at}`, { random: () => each }));
          const hanging: (() => void)[] = [];
          const check = () => expect(candidates.filter((each) => each.elector.leading).length).toBeLessThanOrEqual(1);
          for (const { who, what, ms } of steps) {
            const one = candidates[who]!;
            if (what === 'cut') one.cut(away);
            else if (what === 'heal') one.heal();
            else if (what === 'hang') one.cut(() => new Promise<void>((resolve) => hanging.push(resolve)));
            else if (what === 'lose') one.lose(away);
            else if (what === 'late') one.lose(() => new Promise<void>((resolve) => hanging.push(resolve)));
            else if (what === 'free') for (const free of hanging.splice(0)) free();
            else if (what === 'jump') one.jump(ms * 1_000);
            else if (what === 'jump back') one.jump(-ms * 1_000);
            else
              for (let left = ms; left > 0; left -= 500) {
                await clock.advance(Math.min(500, left));
                check();
              }
          }
          for (const each of candidates) each.heal();
          for (const free of hanging) free();
          await settle();
          check();
          await clock.advance(60_000);
          expect(candidates.filter((each) => each.elector.leading).length).toBe(1);
          await Promise.all(candidates.map((each) => each.elector.stop()));
        },
      ),
      { numRuns: 80 },
    );
  });
});

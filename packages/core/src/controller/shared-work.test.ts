import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap, Lease } from '../api/index.ts';
import { type ApiRequest, createClient } from '../client/index.ts';
import { InformerFactory } from '../informer/index.ts';
import { FakeClock, settle, silentLogger } from '../testing/index.ts';
import { ControllerManager, SharedWork, watch } from './index.ts';

const shards = 8;
const keys = Array.from({ length: 64 }, (_, at) => `default/${at}`);

function setup() {
  const api = new ModelApi();
  const clock = new FakeClock();
  const client = createClient(api);
  const join = (identity: string, more: Partial<ConstructorParameters<typeof SharedWork>[0]> = {}) => {
    let fault: (request: ApiRequest) => Promise<void> | void = () => undefined;
    const own = createClient({
      request: async (request) => {
        await fault(request);
        return api.request(request);
      },
      watch: (request) => api.watch(request),
      raw: () => api.raw(),
    });
    const shared = new SharedWork({
      client: own,
      clock,
      random: () => 0.5,
      logger: silentLogger,
      namespace: 'default',
      name: 'shop',
      identity,
      shards,
      ...more,
    });
    shared.start();
    return { shared, cut: (with_: typeof fault) => (fault = with_), heal: () => (fault = () => undefined) };
  };
  return { api, clock, client, join };
}

const away = () => {
  throw new Error('connection refused');
};
const heldBy = (members: readonly { readonly shared: SharedWork }[]) =>
  members.flatMap(({ shared }) => shared.held).sort();
const all = Array.from({ length: shards }, (_, at) => at);

describe('SharedWork', () => {
  it('divides the shards evenly among those who come, and gives them to the others when one goes', async () => {
    const { clock, client, join } = setup();
    const a = join('a');
    await clock.advance(10_000);
    expect(a.shared.held).toEqual(all);
    const b = join('b');
    await clock.advance(20_000);
    expect([a.shared.held.length, b.shared.held.length]).toEqual([4, 4]);
    expect(heldBy([a, b])).toEqual(all);
    for (const key of keys) expect([a, b].filter(({ shared }) => shared.has(key)).length).toBe(1);
    await b.shared.stop();
    // Far sooner than a lease ends.
    await clock.advance(12_000);
    expect(a.shared.held).toEqual(all);
    await a.shared.stop();
    const leases = (await client.list(Lease)).items;
    expect(leases.map(({ spec }) => spec?.holderIdentity)).toEqual(all.map(() => ''));
    expect(clock.pending.timers).toBe(0);
  });

  it('takes over from one that died when its leases have ended, and clears its own lease away', async () => {
    const { clock, client, join } = setup();
    const [a, b] = [join('a'), join('b')];
    await clock.advance(20_000);
    b.cut(away);
    await clock.advance(13_000);
    expect(a.shared.held.length).toBe(4);
    // A lease, and the time between two looks; not a lease for the process and another one for its shards.
    await clock.advance(23_000);
    expect([a.shared.held, b.shared.held]).toEqual([all, []]);
    const names = (await client.list(Lease)).items.map(({ metadata }) => metadata.name);
    expect(names.filter((each) => each.includes('member'))).toEqual(['shop.member-a']);
    b.heal();
    await clock.advance(60_000);
    expect([a.shared.held.length, b.shared.held.length]).toEqual([4, 4]);
    await Promise.all([a.shared.stop(), b.shared.stop()]);
  });

  it('gives a shard away when the reconciles of its keys have ended, or were aborted and ended', async () => {
    const { clock, join } = setup();
    const a = join('a');
    await clock.advance(10_000);
    const shares = keys.map((key) => ({ key, share: a.shared.enter(key) }));
    expect(shares.every(({ share }) => share)).toBe(true);
    const b = join('b');
    await clock.advance(4_500);
    expect(b.shared.held).toEqual([]);
    expect(keys.filter((key) => a.shared.enter(key) === undefined).length).toBeGreaterThan(16);
    await clock.advance(6_000);
    const aborted = shares.filter(({ share }) => share?.lost.aborted);
    expect(aborted.length).toBeGreaterThan(16);
    // They do not heed it, and nobody else begins with these keys.
    await clock.advance(120_000);
    expect(b.shared.held).toEqual([]);
    for (const { share } of aborted) share?.done();
    await clock.advance(10_000);
    expect(b.shared.held.length).toBe(4);
    expect(aborted.every(({ key }) => b.shared.has(key) && !a.shared.has(key))).toBe(true);
    await Promise.all([a.shared.stop(), b.shared.stop()]);
  });

  it('does not share with one that divides the keys otherwise, until that one is gone', async () => {
    const { clock, join } = setup();
    const a = join('a');
    await clock.advance(10_000);
    const b = join('b', { shards: 12 });
    await clock.advance(60_000);
    expect([a.shared.held, b.shared.held]).toEqual([all, []]);
    await a.shared.stop();
    await clock.advance(20_000);
    expect(b.shared.held.length).toBe(12);
    await b.shared.stop();
  });

  it('never has two on one shard, whatever is cut when, and in the end each shard has one', async () => {
    const step = fc.record({
      who: fc.nat(2),
      what: fc.constantFrom('cut', 'heal', 'hang', 'free', 'stop', 'time', 'time', 'time'),
      ms: fc.integer({ min: 500, max: 15_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { clock, join } = setup();
        const hanging: (() => void)[] = [];
        const members = ['a', 'b', 'c'].map((name) => join(name));
        const everyone = [...members];
        const stopping: Promise<void>[] = [];
        const once = () => {
          const held = heldBy(members);
          expect(new Set(held).size).toBe(held.length);
        };
        for (const { who, what, ms } of steps) {
          const one = members[who]!;
          if (what === 'cut') one.cut(away);
          else if (what === 'heal') one.heal();
          else if (what === 'hang') one.cut(() => new Promise<void>((resolve) => hanging.push(resolve)));
          else if (what === 'free') for (const free of hanging.splice(0)) free();
          else if (what === 'stop') {
            stopping.push(one.shared.stop());
            const next = join(`${'abc'[who]}${stopping.length}`);
            members[who] = next;
            everyone.push(next);
          } else
            for (let left = ms; left > 0; left -= 500) {
              await clock.advance(Math.min(500, left));
              once();
            }
        }
        for (const each of everyone) each.heal();
        for (const free of hanging.splice(0)) free();
        for (let each = 0; each < 240; each += 1) {
          await clock.advance(500);
          once();
        }
        expect(heldBy(members)).toEqual(all);
        expect(Math.max(...members.map(({ shared }) => shared.held.length))).toBe(3);
        await Promise.all([...stopping, ...members.map(({ shared }) => shared.stop())]);
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});

describe('controllers that share the work', () => {
  it('reconcile each key in one process, also when one comes or dies', async () => {
    const { api, clock, client, join } = setup();
    const runs: string[] = [];
    const start = (identity: string) => {
      const { shared, cut } = join(identity);
      const own = createClient(api);
      const informers = new InformerFactory({ client: own, clock, random: () => 0.5, logger: silentLogger });
      const manager = new ControllerManager({
        controllers: [
          {
            name: 'test',
            watches: [watch(informers.for(ConfigMap)).self()],
            async reconcile(key) {
              runs.push(`${identity} ${key}`);
            },
          },
        ],
        clock,
        random: () => 0.5,
        logger: silentLogger,
        sharding: shared,
      });
      manager.start();
      return { shared, cut, manager, informers };
    };
    for (const key of keys) await client.create(ConfigMap, { metadata: { name: key.slice(8), namespace: 'default' } });
    const [a, b] = [start('a'), start('b')];
    await clock.advance(30_000);
    const each = (text: string) => text.slice(2);
    expect(new Set(runs.map(each))).toEqual(new Set(keys));
    const perCopy = ['a', 'b'].map((who) => new Set(runs.slice(-64).filter((run) => run.startsWith(who))).size);
    expect(Math.min(...perCopy)).toBeGreaterThan(16);
    runs.length = 0;
    for (const key of keys)
      await client.patch(ConfigMap, { name: key.slice(8), namespace: 'default' }, { merge: { data: { a: '1' } } });
    await clock.advance(100);
    // An event makes one of them reconcile it.
    expect(runs.map(each).toSorted()).toEqual(keys.toSorted());
    runs.length = 0;
    b.cut(away);
    await b.manager.stop(AbortSignal.abort());
    const mine = keys.filter((key) => a.shared.has(key));
    await clock.advance(90_000);
    // What the dead one had comes to the other; what that one has already is not told again.
    expect(runs.toSorted()).toEqual(
      keys
        .filter((key) => !mine.includes(key))
        .map((key) => `a ${key}`)
        .toSorted(),
    );
    expect(a.manager.metrics['test']?.queue.depth).toBe(0);
    await a.manager.stop(AbortSignal.abort());
    await Promise.all([a.informers.stop(), b.informers.stop()]);
    await settle();
  });
});

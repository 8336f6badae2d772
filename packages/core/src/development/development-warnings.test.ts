import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap, type KubernetesObject, Pod } from '../api/index.ts';
import { type Client, createClient } from '../client/index.ts';
import { type Controller, ControllerManager, watch } from '../controller/index.ts';
import { type Informer, InformerFactory } from '../informer/index.ts';
import { FakeClock, settle, silentLogger } from '../testing/index.ts';
import { DevelopmentWarnings } from './index.ts';

type Make = (parts: {
  client: Client;
  maps: Informer<ConfigMap>;
  informers: InformerFactory;
}) => Omit<Controller, 'name'>;

function setup(make: Make) {
  const api = new ModelApi();
  const clock = new FakeClock();
  const client = createClient(api);
  const lines: string[] = [];
  const nothing = () => undefined;
  const logger = {
    debug: nothing,
    info: nothing,
    error: nothing,
    // On a busy machine anything may take long.
    warn: (message: string) => void (shortTurn(message) || lines.push(message)),
    named: () => logger,
  };
  const warnings = new DevelopmentWarnings({ clock, logger });
  const environment = { clock, random: () => 0.5, logger: silentLogger };
  const informers = new InformerFactory({ ...environment, client, reads: warnings });
  const maps = informers.for(ConfigMap);
  const manager = new ControllerManager({
    ...environment,
    controllers: [{ name: 'test', ...make({ client, maps, informers }) }],
    observers: [warnings],
    lines: true,
  });
  manager.start();
  const create = (name: string) => client.create(ConfigMap, { metadata: { name, namespace: 'default' } });
  const stop = async () => {
    await manager.stop(AbortSignal.abort());
    await informers.stop();
  };
  return { clock, client, create, informers, lines, manager, stop, warnings };
}

/** Without the number of the line, which every change of this file moves. */
const plain = (text: string) => text.replaceAll(/[\w/-]*development-warnings\.test\.ts:\d+/g, 'FILE:LINE');

const shortTurn = (message: string) => Number(/held the event loop for (\d+) ms/.exec(message)?.[1]) < 250;

const hold = (ms: number) => {
  for (const end = performance.now() + ms; performance.now() < end; );
};

describe('warnings of development', () => {
  it('name the write that makes a reconcile run again and again', async () => {
    let counter = 0;
    const { clock, create, lines, stop } = setup(({ client, maps }) => ({
      watches: [watch(maps).self()],
      async reconcile(key, context) {
        const map = maps.lister.get(key);
        if (!map || counter > 40) return;
        counter += 1;
        const data = { count: String(counter) };
        await context.track(client).patch(ConfigMap, map.metadata, { merge: { data } });
      },
    }));
    await create('a');
    await clock.advance(1_000);
    expect(lines.map(plain)).toEqual([
      'test ran 21 times for default/a within 0.0 s, and nothing from outside made it: its own patch of ConfigMap default/a (FILE:LINE) feeds it, which changes data.count each time. Write only what differs, and nothing that is another value each time, such as the time of day or a counter.',
    ]);
    await stop();
  });

  it('name a requeueAfter that is too short, and leave a patient one alone', async () => {
    let afterMs = 30_000;
    const { clock, create, lines, stop } = setup(({ maps }) => ({
      watches: [watch(maps).self()],
      reconcile: async () => ({ requeueAfter: afterMs }),
    }));
    await create('a');
    await clock.advance(3_600_000);
    expect(lines).toEqual([]);
    afterMs = 100;
    await clock.advance(40_000);
    expect(lines).toEqual([
      'test ran 21 times for default/a within 2.0 s, and nothing from outside made it: it asks to run again after so short a time. Watch what it waits for (`owns`, `references`, `watches`), or give a longer requeueAfter.',
    ]);
    await stop();
  });

  it('leave alone what others cause, however often', async () => {
    const { clock, client, create, lines, manager, stop } = setup(({ client: own, maps }) => ({
      watches: [watch(maps).self()],
      async reconcile(key, context) {
        const map = maps.lister.get(key);
        if (map && map.data?.['seen'] !== map.data?.['said']) {
          const data = { seen: map.data?.['said'] };
          await context.track(own, { quiet: true }).patch(ConfigMap, map.metadata, { merge: { data } });
        }
      },
    }));
    await create('a');
    for (let said = 0; said < 60; said += 1) {
      const data = { said: String(said) };
      await client.patch(ConfigMap, { name: 'a', namespace: 'default' }, { merge: { data } });
      await clock.advance(10);
    }
    expect(manager.traces.list().length).toBeGreaterThanOrEqual(60);
    expect(lines).toEqual([]);
    await stop();
  });

  it('name a line that writes what is there already', async () => {
    const { clock, create, lines, stop, warnings } = setup(({ client, maps }) => ({
      watches: [watch(maps).self()],
      async reconcile(key, context) {
        const map = maps.lister.get(key);
        if (map) await context.track(client).patch(ConfigMap, map.metadata, { merge: { metadata: { labels: {} } } });
      },
    }));
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name);
    await clock.advance(1_000);
    const kinds = warnings.list().map((each) => each.kind);
    expect(kinds.filter((each) => each !== 'blocked-event-loop')).toEqual(['no-op-write']);
    expect(plain(lines[0] ?? '')).toMatch(
      /^test wrote what was there already, 3 times: patch of ConfigMap default\/\w \(FILE:LINE\) changed nothing\. Compare /,
    );
    await stop();
  });

  it('name a line that reads one by one what a cache holds, and not what no cache could know', async () => {
    const { clock, create, lines, stop } = setup(({ client, maps }) => ({
      watches: [watch(maps).self()],
      async reconcile(key, context) {
        if (key !== 'default/all') return;
        const tracked = context.track(client);
        for (let at = 0; at < 12; at += 1) {
          await tracked.get(ConfigMap, { name: `m${at}`, namespace: 'default' });
        }
        for (let at = 0; at < 12; at += 1) {
          await tracked.get(ConfigMap, { name: `no${at}`, namespace: 'default' }).catch(() => undefined);
        }
      },
    }));
    for (let at = 0; at < 12; at += 1) await create(`m${at}`);
    await create('all');
    await clock.advance(1_000);
    expect(lines.map(plain)).toEqual([
      "test asked the server for 12 objects of the kind ConfigMap in one reconcile, one by one (FILE:LINE), though a cache holds them. Read them from the cache: `informers.for(ConfigMap).lister.get(key)`, or `get(ConfigMap, name)` of an operator's context.",
    ]);
    await stop();
  });

  it('name a cache of a whole cluster of which next to nothing is read, and the scope that would do', async () => {
    const {
      clock,
      client,
      create,
      lines,
      stop,
      informers: shared,
    } = setup(({ informers, maps }) => {
      const pods = informers.for(Pod);
      return {
        watches: [watch(maps).self(), watch(pods).map(() => [])],
        async reconcile() {
          pods.lister.get('ns7/p7');
        },
      };
    });
    const objects: Promise<KubernetesObject>[] = [];
    for (let at = 0; at < 10_500; at += 1) {
      const metadata = { name: `p${at}`, namespace: `ns${at % 50}` };
      objects.push(client.create(Pod, { metadata, spec: { containers: [] } }));
    }
    await Promise.all(objects);
    while (shared.for(Pod).lister.list().length < objects.length) await turn();
    for (let at = 0; at < 8; at += 1) {
      await create(`m${at}`);
      await clock.advance(15_000);
    }
    expect(lines).toEqual([
      "the cache of all pods holds 10500 objects, and reconciles have read 1 of them. One namespace would do: `informers.for(Pod, { namespace: 'ns7' })`.",
    ]);
    await stop();
  });

  it('tell who holds the event loop, and between which calls', async () => {
    const { create, lines, stop, manager } = setup(({ client, maps }) => ({
      watches: [watch(maps).self()],
      async reconcile(key, context) {
        if (key === 'default/first') return hold(300);
        const tracked = context.track(client, { quiet: true });
        await tracked.get(ConfigMap, { name: 'first', namespace: 'default' });
        await turn();
        hold(300);
        await turn();
        await tracked.get(ConfigMap, { name: 'first', namespace: 'default' });
      },
    }));
    await create('first');
    await settle();
    await create('second');
    while (manager.traces.list().length < 2) await turn();
    const told = lines.map((each) => plain(each).replace(/\d+ ms/, 'N ms'));
    expect(told[0]).toMatch(
      /^test held the event loop for N ms in a reconcile of default\/first\. Meanwhile nothing else ran/,
    );
    expect(told[1]).toMatch(
      /^test held the event loop for N ms in a reconcile of default\/second, (?:after|before) FILE:LINE/,
    );
    expect(told).toHaveLength(2);
    await stop();
  });

  it('do not count the work of a server in the same process', async () => {
    const { create, lines, stop, manager } = setup(({ client, maps }) => ({
      watches: [watch(maps).self()],
      async reconcile(_, context) {
        const slow: Client = Object.create(client, {
          get: {
            value: async () => {
              hold(300);
              await turn();
              hold(300);
            },
          },
        });
        await context.track(slow).get(ConfigMap, { name: 'a', namespace: 'default' });
      },
    }));
    await create('a');
    while (manager.traces.list().length < 1) await turn();
    expect(lines).toEqual([]);
    await stop();
  });
});

import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { createLogger } from '../host/index.ts';
import { InformerFactory } from '../informer/index.ts';
import { FakeClock, silentLogger as logger, settle } from '../testing/index.ts';
import { type Controller, ControllerManager, watch } from './index.ts';

it('gives others their turn while reconciles wait for nothing', async () => {
  const clock = new FakeClock();
  const random = () => 0.5;
  const client = createClient(new ModelApi());
  const objects = 2_000;
  for (let each = 0; each < objects; each += 1)
    await client.create(ConfigMap, { metadata: { name: `c${each}`, namespace: 'default' } });
  const informers = new InformerFactory({ client, clock, random, logger });
  const informer = informers.for(ConfigMap);
  await informer.waitForSync();
  let reconciles = 0;
  const manager = new ControllerManager({
    clock,
    random,
    logger,
    controllers: [
      {
        name: 'test',
        watches: [watch(informer).self()],
        async reconcile() {
          reconciles += 1;
        },
      },
    ],
  });
  manager.start();
  let most = 0;
  for (let before = 0; reconciles < objects; before = reconciles) {
    await turn();
    most = Math.max(most, reconciles - before);
  }
  expect(reconciles).toBe(objects);
  expect(most).toBeLessThanOrEqual(256);
  await manager.stop(AbortSignal.abort(new Error('over')));
  await informers.stop();
});

it('goes on with other code where a stopped one left off: what waits keeps its turn and its time', async () => {
  const clock = new FakeClock();
  const random = () => 0.5;
  const client = createClient(new ModelApi());
  const refOf = (name: string) => ({ name, namespace: 'default' });
  for (const name of ['a', 'b', 'c', 'd']) await client.create(ConfigMap, { metadata: refOf(name) });
  const informers = new InformerFactory({ client, clock, random, logger });
  const informer = informers.for(ConfigMap);
  await informer.waitForSync();
  const reconciled: string[] = [];
  let block: Promise<void> | undefined;
  const begin = (generation: string, predecessor?: ControllerManager) => {
    const manager = new ControllerManager({
      clock,
      random,
      logger,
      controllers: [
        {
          name: 'test',
          concurrency: 1,
          watches: [watch(informer).self()],
          async reconcile(key) {
            reconciled.push(`${generation} ${key}`);
            await block;
            return key === 'default/a' && generation === 'old' ? { requeueAfter: 60_000 } : undefined;
          },
        },
      ],
      ...(predecessor && { predecessor }),
    });
    manager.start();
    return manager;
  };
  const old = begin('old');
  await settle();
  let unblock = () => undefined as void;
  block = new Promise((resolve) => {
    unblock = resolve;
  });
  const write = (name: string, text: string) => client.patch(ConfigMap, refOf(name), { merge: { data: { text } } });
  await write('b', 'once');
  await settle();
  for (const name of ['d', 'b']) await write(name, 'again');
  await settle();
  reconciled.length = 0;
  const stopping = old.stop(new AbortController().signal);
  block = undefined;
  unblock();
  await stopping;
  expect(reconciled).toEqual([]);

  const manager = begin('new', old);
  await settle();
  expect([...reconciled].sort()).toEqual(['a', 'b', 'c', 'd'].map((name) => `new default/${name}`));
  // What somebody has changed goes before what is only new to this code.
  expect([...reconciled.slice(0, 2)].sort()).toEqual(['new default/b', 'new default/d']);
  const traces = manager.traces.list();
  expect(traces.map(({ id }) => id)).toEqual(traces.map((_, at) => at + 1));
  expect(traces.slice(0, old.traces.list().length)).toEqual(old.traces.list());
  reconciled.length = 0;
  await clock.advance(61_000);
  expect(reconciled).toEqual(['new default/a']);
  expect(manager.traces.list().at(-1)?.causes).toMatchObject([{ type: 'requeueAfter' }]);
  await manager.stop(AbortSignal.abort(new Error('over')));
  await informers.stop();
});

it('refuses times and numbers that are none', async () => {
  const clock = new FakeClock();
  const random = () => 0.5;
  const client = createClient(new ModelApi());
  await client.create(ConfigMap, { metadata: { name: 'a', namespace: 'default' } });
  const lines: string[] = [];
  const noting = createLogger({ level: 'error', write: (line) => lines.push(line), clock });
  const informers = new InformerFactory({ client, clock, random, logger });
  const watches = [watch(informers.for(ConfigMap)).self()];
  const manage = (controller: Partial<Controller>) =>
    new ControllerManager({
      clock,
      random,
      logger: noting,
      controllers: [{ name: 'test', watches, reconcile: async () => undefined, ...controller }],
    });
  for (const concurrency of [0, -1, 1.5, Number.NaN]) {
    expect(() => manage({ concurrency })).toThrow(
      `controller "test": concurrency is a whole number from 1 on, not ${concurrency}`,
    );
  }
  let runs = 0;
  const manager = manage({
    async reconcile() {
      runs += 1;
      return { requeueAfter: Date.parse('no date') - clock.now() };
    },
  });
  manager.start();
  await clock.advance(1_000);
  expect(lines[0]).toContain('requeueAfter is a number of milliseconds, not NaN');
  // With back-off, and not over and over.
  expect(runs).toBeLessThan(12);
  await manager.stop(AbortSignal.abort(new Error('over')));
  await informers.stop();
});

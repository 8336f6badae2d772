import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { createLogger } from '../host/index.ts';
import { InformerFactory } from '../informer/index.ts';
import { FakeClock, silentLogger as logger } from '../testing/index.ts';
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

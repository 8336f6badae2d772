import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap, Secret } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { InformerFactory } from '../informer/index.ts';
import { FakeClock, silentLogger } from '../testing/index.ts';
import { type Controller, ControllerManager, explain, TerminalError, watch } from './index.ts';

function setup(lines: boolean) {
  const api = new ModelApi();
  const clock = new FakeClock();
  const client = createClient(api);
  const logger = silentLogger;
  const informers = new InformerFactory({ client, clock, random: () => 0.5, logger });
  const secrets = informers.for(Secret);
  const maps = informers.for(ConfigMap);
  const copies: Controller = {
    name: 'copies',
    watches: [watch(maps).self()],
    async reconcile(key, context) {
      const map = maps.lister.get(key);
      context.read('ConfigMap', key);
      if (!map) return;
      await context.track(client).patch(ConfigMap, map.metadata, { merge: { data: { seen: 'yes' } } });
    },
  };
  const sources: Controller = {
    name: 'sources',
    watches: [watch(secrets).self(), watch(maps).map((map) => [`default/${map.data?.['of']}`])],
    async reconcile(key, context) {
      const secret = secrets.lister.get(key);
      if (!secret) throw new TerminalError('gone');
      const tracked = context.track(client, { quiet: true });
      const name = `${secret.metadata.name}-copy`;
      if (maps.lister.get(`default/${name}`)) return;
      await tracked.create(ConfigMap, { metadata: { name, namespace: 'default' }, data: { of: secret.metadata.name } });
    },
  };
  const manager = new ControllerManager({
    controllers: [sources, copies],
    clock,
    random: () => 0.5,
    logger,
    lines,
  });
  return { api, client, clock, informers, manager };
}

describe('explain', () => {
  it('leads from the event to the writes, and to the reconciles that these caused', async () => {
    const { client, clock, informers, manager } = setup(true);
    manager.start();
    await clock.advance(1_000);
    await client.create(Secret, { metadata: { name: 'a', namespace: 'default' } });
    await clock.advance(1_000);
    const text = explain(manager.traces.list(), { key: 'default/a' });
    expect(text.replace(/explain\.test\.ts:\d+/g, 'explain.test.ts:LINE')).toBe(
      [
        '#1 sources default/a at 00:00:01.000 went well after 0 ms',
        '├─ because Secret default/a was added (version 2) by somebody else, 0 ms before',
        '├─ waited 0 ms in the queue (normal)',
        '└─ create ConfigMap default/a-copy: version 3 (0 ms, packages/core/src/controller/explain.test.ts:LINE)',
        '   └─ #2 copies default/a-copy at 00:00:01.000 went well after 0 ms',
        '      ├─ because ConfigMap default/a-copy was added (version 3) by #1 of sources default/a, 0 ms before',
        '      ├─ waited 0 ms in the queue (normal)',
        '      ├─ read ConfigMap default/a-copy (cache)',
        '      └─ patch ConfigMap default/a-copy: version 4, changed data.seen (0 ms, packages/core/src/controller/explain.test.ts:LINE)',
        '         ├─ #3 sources default/a at 00:00:01.000 went well after 0 ms',
        '         │  ├─ because ConfigMap default/a-copy was updated (version 4) by #2 of copies default/a-copy, by the watch "ConfigMap → mapped", 0 ms before',
        '         │  └─ waited 0 ms in the queue (normal)',
        '         └─ #4 copies default/a-copy at 00:00:01.000 went well after 0 ms',
        '            ├─ because ConfigMap default/a-copy was updated (version 4) by #2 of copies default/a-copy, 0 ms before',
        '            ├─ waited 0 ms in the queue (normal)',
        '            ├─ read ConfigMap default/a-copy (cache)',
        '            └─ patch ConfigMap default/a-copy: changed nothing (0 ms, packages/core/src/controller/explain.test.ts:LINE)',
        '',
      ].join('\n'),
    );
    await manager.stop(AbortSignal.abort());
    await informers.stop();
  });

  it('tells of failures, and notes no lines unless asked', async () => {
    const { client, clock, informers, manager } = setup(false);
    manager.start();
    await clock.advance(1_000);
    await client.create(ConfigMap, { metadata: { name: 'x', namespace: 'default' }, data: { of: 'nobody' } });
    await clock.advance(1_000);
    expect(explain(manager.traces.list(), { controller: 'sources' }).split('\n')[0]).toBe(
      '#1 sources default/nobody at 00:00:01.000 failed for good after 0 ms: gone',
    );
    const writes = manager.traces.list({ controller: 'copies' }).flatMap((each) => each.writes);
    expect(writes.map(({ line, changes, noOp }) => ({ line, changes, noOp }))).toEqual([
      { line: undefined, changes: undefined, noOp: undefined },
      { line: undefined, changes: undefined, noOp: true },
    ]);
    await manager.stop(AbortSignal.abort());
    await informers.stop();
  });
});

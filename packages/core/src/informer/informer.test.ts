import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap, Node } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { createLogger } from '../host/index.ts';
import { keyOf, StatusError } from '../machinery/index.ts';
import { FakeClock, settle } from '../testing/index.ts';
import { type InformerEvent, InformerFactory } from './index.ts';

function start(api = new ModelApi(), more: { started?: boolean } = {}) {
  const clock = new FakeClock();
  const client = createClient(api);
  const lines: string[] = [];
  const logger = createLogger({ level: 'warn', write: (line) => lines.push(line), clock });
  const informers = new InformerFactory({ client, clock, random: () => 0.5, logger, ...more });
  const put = (name: string, data: Record<string, string> = {}, namespace = 'default') =>
    client.create(ConfigMap, { metadata: { name, namespace }, data });
  return { api, clock, client, informers, put, lines };
}

const names = (objects: readonly { readonly metadata: { readonly name: string } }[]) =>
  objects.map((each) => each.metadata.name).toSorted();

describe('InformerFactory', () => {
  it('lists, watches, keeps the indexes, and shares one informer for one scope', async () => {
    const { api, client, informers, put } = start();
    await put('a', { team: 'x' });
    const informer = informers.for(ConfigMap);
    expect(informers.for(ConfigMap, {})).toBe(informer);
    expect(informers.for(ConfigMap, { namespace: 'default' })).not.toBe(informer);
    const team = (each: ConfigMap) => (each.data?.['team'] ? [each.data['team']] : []);
    informer.addIndex('team', team);
    informer.addIndex('team', team);
    expect(() => informer.addIndex('team', () => [])).toThrow('declared already');
    const events: string[] = [];
    informer.events$.subscribe(({ type, key }) => events.push(`${type} ${key}`));
    expect(informer.synced).toBe(false);
    await informer.waitForSync();
    await settle();
    await put('b', { team: 'x' }, 'other');
    await client.patch(ConfigMap, { name: 'a', namespace: 'default' }, { merge: { data: { team: 'y' } } });
    await settle();
    expect(names(informer.lister.list())).toEqual(['a', 'b']);
    expect(names(informer.lister.by('team', 'x'))).toEqual(['b']);
    expect(names(informer.lister.by('team', 'y'))).toEqual(['a']);
    expect(names(informer.lister.inNamespace('other'))).toEqual(['b']);
    expect(informer.lister.list()).toBe(informer.lister.list());
    expect(() => informer.lister.by('nothing', 'x')).toThrow('there is no index "nothing"; there are namespace, team');
    await client.delete(ConfigMap, { name: 'b', namespace: 'other' });
    await settle();
    expect(informer.lister.get('other/b')).toBeUndefined();
    expect(informer.lister.by('team', 'x')).toEqual([]);
    expect(events).toEqual(['added default/a', 'added other/b', 'updated default/a', 'deleted other/b']);
    let completed = false;
    informer.events$.subscribe({ complete: () => (completed = true) });
    await informers.stop();
    expect(completed).toBe(true);
    expect(api.watches).toBe(0);
  });

  it('reads long lists page by page', async () => {
    const { api, informers, put } = start();
    await Promise.all(Array.from({ length: 1_201 }, (_, at) => put(`c${at}`)));
    const informer = informers.for(ConfigMap);
    await informer.waitForSync();
    expect(informer.lister.list().length).toBe(1_201);
    expect(api.requests.filter((each) => each.verb === 'list').map((each) => each.options?.limit)).toEqual([
      500, 500, 500,
    ]);
    await informers.stop();
  });

  it('waits for start() if told so, and a wait for the sync can be given up', async () => {
    const { api, informers } = start(new ModelApi(), { started: false });
    const informer = informers.for(Node);
    const abort = new AbortController();
    const waited = expect(informer.waitForSync(abort.signal)).rejects.toThrow('enough');
    await settle();
    expect(api.requests).toEqual([]);
    abort.abort(new Error('enough'));
    await waited;
    informers.start();
    await informer.waitForSync();
    await informers.stop();
  });

  it('resumes a watch that ended where it stood, a bookmark included', async () => {
    const { api, clock, informers, put } = start();
    const informer = informers.for(ConfigMap);
    await informer.waitForSync();
    await put('a');
    api.bookmark('configmaps');
    await settle();
    api.endWatches();
    await settle();
    const watches = api.requests.filter((each) => each.verb === 'watch');
    expect(watches.map((each) => each.options?.resourceVersion)).toEqual(['1', '3']);
    expect(watches[0]?.options).toMatchObject({ allowWatchBookmarks: true, timeoutSeconds: 450 });
    await put('b');
    await clock.advance(0);
    expect(names(informer.lister.list())).toEqual(['a', 'b']);
    expect(api.requests.filter((each) => each.verb === 'list').length).toBe(1);
    await informers.stop();
  });

  it('lists anew when history is lost, and tells what changed and went meanwhile', async () => {
    const { api, client, clock, informers, put } = start();
    await Promise.all([put('stays'), put('changes'), put('goes')]);
    const informer = informers.for(ConfigMap);
    await informer.waitForSync();
    await settle();
    const events: InformerEvent<ConfigMap>[] = [];
    informer.events$.subscribe((event) => events.push(event));
    api.fault = ({ verb }) => {
      if (verb === 'watch' || verb === 'list') throw new Error('connection refused');
    };
    api.endWatches(new Error('connection reset'));
    await clock.advance(5_000);
    await client.patch(ConfigMap, { name: 'changes', namespace: 'default' }, { merge: { data: { x: '1' } } });
    await client.delete(ConfigMap, { name: 'goes', namespace: 'default' });
    await client.delete(ConfigMap, { name: 'stays', namespace: 'default' });
    await Promise.all([put('comes'), put('stays')]);
    api.compact();
    api.fault = () => undefined;
    await clock.advance(60_000);
    expect(events.map(({ type, key }) => `${type} ${key}`).toSorted()).toEqual([
      'added default/comes',
      'added default/stays',
      'deleted default/goes',
      'deleted default/stays',
      'updated default/changes',
    ]);
    expect(names(informer.lister.list())).toEqual(['changes', 'comes', 'stays']);
    await informers.stop();
  });

  it('backs off while the API is away, says so, and goes on when it is back', async () => {
    const { api, clock, informers, put, lines } = start();
    await put('a');
    api.fault = () => {
      throw StatusError.of(503, 'ServiceUnavailable', 'not yet');
    };
    const informer = informers.for(ConfigMap);
    await clock.advance(60_000);
    expect(informer.synced).toBe(false);
    // 0.6, 1.2, 2.4, 4.8, 9.6, 19.2, 22.5 … seconds apart with a random of one half.
    expect(api.requests.filter((each) => each.verb === 'list').length).toBe(7);
    expect(lines[0]).toContain('cannot list configmaps');
    api.fault = () => undefined;
    await clock.advance(30_000);
    expect(informer.synced).toBe(true);
    await informers.stop();
  });

  it('survives a list whose later pages are gone', async () => {
    const { api, clock, informers, put } = start();
    await Promise.all(Array.from({ length: 600 }, (_, at) => put(`c${at}`)));
    let pages = 0;
    api.fault = ({ verb }) => {
      if (verb === 'list' && ++pages === 2) api.compact();
    };
    const informer = informers.for(ConfigMap);
    await clock.advance(10_000);
    expect(informer.lister.list().length).toBe(600);
    expect(informer.synced).toBe(true);
    await informers.stop();
  });

  it('ends with the store that the server has, whatever happened in between, and its events tell the whole way', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          op: fc.constantFrom('put', 'patch', 'delete'),
          name: fc.constantFrom('a', 'b', 'c', 'd'),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          op: fc.constantFrom('reset', 'reset', 'end', 'compact', 'compact', 'refuse', 'heal', 'bookmark'),
          name: fc.constant(''),
        }),
      },
      { weight: 3, arbitrary: fc.record({ op: fc.constantFrom('time', 'settle'), name: fc.constant('') }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const { api, client, clock, informers, put } = start();
        const informer = informers.for(ConfigMap);
        const replayed = new Map<string, ConfigMap>();
        informer.events$.subscribe((event) => {
          const before = replayed.get(event.key);
          expect(before === undefined).toBe(event.type === 'added');
          if (event.type === 'updated') {
            expect(event.previous).toBe(before);
            expect(event.previous.metadata.uid).toBe(event.object.metadata.uid);
          }
          if (event.type === 'deleted') replayed.delete(event.key);
          else replayed.set(event.key, event.object);
        });
        await informer.waitForSync();
        let count = 0;
        for (const { op, name } of steps) {
          const ref = { name, namespace: 'default' };
          const exists = (await client.list(ConfigMap)).items.some((each) => each.metadata.name === name);
          if (op === 'put' && !exists) await put(name);
          else if (op === 'patch' && exists)
            await client.patch(ConfigMap, ref, { merge: { data: { n: String(count++) } } });
          else if (op === 'delete' && exists) await client.delete(ConfigMap, ref);
          else if (op === 'reset') api.endWatches(new Error('connection reset'));
          else if (op === 'end') api.endWatches();
          else if (op === 'compact') api.compact();
          else if (op === 'bookmark') api.bookmark('configmaps');
          else if (op === 'refuse') {
            // Only what the informer asks: the test itself lists without a limit of 500 and a signal.
            api.fault = ({ signal }) => {
              if (signal) throw StatusError.of(500, 'InternalError', 'refused');
            };
          } else if (op === 'heal') api.fault = () => undefined;
          else if (op === 'time') await clock.advance(1_500);
          else await settle(1);
        }
        api.fault = () => undefined;
        await clock.advance(120_000);
        const truth = (await client.list(ConfigMap)).items
          .map((each) => [keyOf(each), each.metadata.resourceVersion])
          .toSorted();
        const revisions = (objects: Iterable<ConfigMap>) =>
          [...objects].map((each) => [keyOf(each), each.metadata.resourceVersion]).toSorted();
        expect(revisions(informer.lister.list())).toEqual(truth);
        expect(revisions(replayed.values())).toEqual(truth);
        expect(names(informer.lister.inNamespace('default'))).toEqual(truth.map(([key]) => String(key).split('/')[1]));
        await informers.stop();
      }),
      { numRuns: 100 },
    );
  });
});

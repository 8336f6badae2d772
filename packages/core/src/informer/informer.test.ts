import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap, Node } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { createLogger } from '../host/index.ts';
import { keyOf, StatusError } from '../machinery/index.ts';
import { FakeClock, settle } from '../testing/index.ts';
import { type Informer, type InformerEvent, InformerFactory } from './index.ts';

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

  it('reads page by page where the server does not stream lists, of a size that is quickly parsed', async () => {
    const { api, informers, put } = start();
    api.streamsLists = false;
    await Promise.all(Array.from({ length: 1_201 }, (_, at) => put(`c${at}`, { text: 'x'.repeat(2_000) })));
    const informer = informers.for(ConfigMap);
    await informer.waitForSync();
    expect(informer.lister.list().length).toBe(1_201);
    const limits = api.requests.filter((each) => each.verb === 'list').map((each) => each.options?.limit ?? 0);
    expect(limits[0]).toBe(250);
    expect(limits.slice(1).every((each) => each > 400 && each < 525)).toBe(true);
    await informers.stop();
  });

  it('reads a streamed list, and forgets it where it breaks off before its end', async () => {
    const { api, clock, informers, put } = start();
    await Promise.all([put('a'), put('b'), put('c')]);
    const informer = informers.for(ConfigMap);
    await clock.advance(0);
    api.endWatches(new Error('connection reset'));
    await clock.advance(60_000);
    expect(informer.synced).toBe(true);
    expect(names(informer.lister.list())).toEqual(['a', 'b', 'c']);
    expect(api.requests.some((each) => each.verb === 'list')).toBe(false);
    await informers.stop();
  });

  it('runs a leased informer while somebody holds it', async () => {
    const { api, informers, put } = start();
    await put('a');
    const first = informers.lease(ConfigMap);
    const second = informers.lease(ConfigMap);
    expect(second.informer).toBe(first.informer);
    await first.informer.waitForSync();
    first.release();
    first.release();
    await settle();
    expect(api.watches).toBe(1);
    let completed = false;
    second.informer.events$.subscribe({ complete: () => (completed = true) });
    second[Symbol.dispose]();
    await settle();
    expect({ watches: api.watches, completed, phase: second.informer.health.phase }).toEqual({
      watches: 0,
      completed: true,
      phase: 'stopped',
    });
    await expect(second.informer.waitForVersion('100')).rejects.toThrow('the informer of configmaps is stopped');
    const seen: string[] = [];
    const subscription = informers.observe(ConfigMap).subscribe(({ type, key }) => seen.push(`${type} ${key}`));
    await settle();
    await put('b');
    await settle();
    expect(seen).toEqual(['added default/a', 'added default/b']);
    const late: string[] = [];
    informers
      .observe(ConfigMap)
      .subscribe(({ type, key }) => late.push(`${type} ${key}`))
      .unsubscribe();
    expect(late).toEqual(['added default/a', 'added default/b']);
    subscription.unsubscribe();
    await settle();
    expect(api.watches).toBe(0);
    expect(informers.list()).toEqual([]);
    await informers.stop();
  });

  it('keeps no managedFields, only metadata where only that is asked for, and what a transform makes', async () => {
    const { client, informers } = start();
    const managedFields = [{ manager: 'x', operation: 'Update' }];
    await client.create(ConfigMap, { metadata: { name: 'a', namespace: 'default', managedFields }, data: { k: 'v' } });
    const plain = informers.for(ConfigMap);
    const whole = informers.for(ConfigMap, { keepManagedFields: true });
    const slim = informers.metadata(ConfigMap);
    const transform = ({ data: _, ...rest }: ConfigMap): ConfigMap => ({ ...rest, data: { made: 'here' } });
    const made = informers.for(ConfigMap, { transform });
    expect(informers.for(ConfigMap, { transform })).toBe(made);
    await Promise.all([plain, whole, slim, made].map((each) => each.waitForSync()));
    const get = (informer: Informer) => informer.lister.get('default/a');
    expect(get(plain)).toMatchObject({ metadata: { name: 'a', uid: 'uid-1' }, data: { k: 'v' } });
    expect(get(plain)?.metadata).not.toHaveProperty('managedFields');
    expect(get(whole)?.metadata.managedFields).toEqual(managedFields);
    expect(get(slim)).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: get(plain)?.metadata });
    expect(get(made)).toMatchObject({ data: { made: 'here' } });
    await informers.stop();
  });

  it('tells when it has seen a version, also when the history began anew', async () => {
    const { api, clock, informers, put } = start();
    const informer = informers.for(ConfigMap);
    expect(informer.resourceVersion).toBeUndefined();
    expect(informer.health.phase).toBe('syncing');
    const written = await put('a');
    const version = written.metadata.resourceVersion ?? '';
    await informer.waitForVersion(version);
    expect(informer.lister.get('default/a')?.metadata.resourceVersion).toBe(version);
    expect(informer.health).toEqual({ phase: 'live', failures: 0 });
    const stop = new AbortController();
    const given = informer.waitForVersion('50', stop.signal);
    stop.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    let anew = false;
    void informer.waitForVersion('9000000000000000000000').then(() => (anew = true));
    await put('b');
    await settle();
    expect(anew).toBe(false);
    api.restore();
    await clock.advance(60_000);
    expect(anew).toBe(true);
    expect(names(informer.lister.list())).toEqual([]);
    await informers.stop();
  });

  it('keeps up live queries', async () => {
    const { client, informers, put } = start();
    await put('a', { team: 'x' });
    await put('b', { team: 'y' });
    const informer = informers.for(ConfigMap);
    await informer.waitForSync();
    informer.addIndex('team', (each) => (each.data?.['team'] ? [each.data['team']] : []));
    const query = informer.where({ namespace: 'default', by: { index: 'team', value: 'x' } });
    expect(names(query.value)).toEqual(['a']);
    const results: string[][] = [];
    const changes: string[] = [];
    const subscriptions = [
      query.subscribe((objects) => results.push(names(objects))),
      query.changes$.subscribe(({ type, key }) => changes.push(`${type} ${key}`)),
    ];
    const patch = (name: string, team: string) =>
      client.patch(ConfigMap, { name, namespace: 'default' }, { merge: { data: { team } } });
    await Promise.all([patch('b', 'x'), put('c', { team: 'x' }, 'other'), put('d', { team: 'x' })]);
    await settle();
    await patch('a', 'y');
    await patch('b', 'x');
    await settle();
    await client.delete(ConfigMap, { name: 'd', namespace: 'default' });
    await settle();
    expect(results[0]).toEqual(['a']);
    expect(results.at(-1)).toEqual(['b']);
    expect(changes).toEqual(['added default/b', 'added default/d', 'deleted default/a', 'deleted default/d']);
    expect(query.value).toBe(query.value);
    for (const each of subscriptions) each.unsubscribe();
    expect(() => informer.where({ by: { index: 'nothing', value: '' } })).toThrow('there is no index "nothing"');
    expect(() => informer.where({ labels: 'a in' })).toThrow('unable to parse requirement');
    await informers.stop();
  });

  it('goes on where an index or a transform fails on an object, and says on which', async () => {
    const { clock, informers, put, lines } = start();
    await put('a', { team: 'x' });
    await put('b');
    const informer = informers.for(ConfigMap);
    informer.addIndex('team', ({ data }) => [(data as Record<string, string>)['team']!.toUpperCase()]);
    const transform = (object: ConfigMap): ConfigMap => {
      if (object.metadata.name === 'b') throw new Error('not this one');
      return object;
    };
    const transformed = informers.for(ConfigMap, { transform });
    await informer.waitForSync();
    await clock.advance(0);
    expect(names(informer.lister.list())).toEqual(['a', 'b']);
    expect(names(informer.lister.by('team', 'X'))).toEqual(['a']);
    expect(lines.join('\n')).toMatch(/an index cannot file an object.* index=team object=default\/b/);
    expect(lines.join('\n')).toContain('the transform of configmaps failed on default/b: not this one');
    expect(transformed.synced).toBe(false);
    await informers.stop();
  });

  it('waits for no optional kind that is not served, and follows it from when it is, until it goes', async () => {
    const { api, clock, client, informers, put, lines } = start();
    await put('a');
    let served = false;
    api.fault = ({ verb, resource }) => {
      if (verb === 'watch' && resource === 'configmaps' && !served) {
        throw StatusError.of(404, 'NotFound', '404 page not found');
      }
    };
    const informer = informers.for(ConfigMap, { optional: true });
    await informer.waitForSync();
    expect(informer.health.phase).toBe('waiting');
    expect(names(informer.lister.list())).toEqual([]);
    served = true;
    await clock.advance(5_100);
    expect(names(informer.lister.list())).toEqual(['a']);
    expect(informer.health.phase).toBe('live');
    const events: string[] = [];
    informer.events$.subscribe(({ type, key }) => events.push(`${type} ${key}`));
    served = false;
    api.endWatches();
    await clock.advance(1_000);
    expect(names(informer.lister.list())).toEqual(['a']);
    const never = informer.waitForVersion('9000');
    await clock.advance(20_000);
    await never;
    expect(events).toEqual(['deleted default/a']);
    expect(informer.synced).toBe(true);
    served = true;
    await client.delete(ConfigMap, { name: 'a', namespace: 'default' });
    await put('b');
    await clock.advance(5_100);
    expect(names(informer.lister.list())).toEqual(['b']);
    expect(lines).toEqual([]);
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
    expect(watches.map((each) => each.options?.resourceVersion)).toEqual([undefined, '3']);
    expect(watches[0]?.options).toMatchObject({ sendInitialEvents: true, timeoutSeconds: 450 });
    expect(watches[1]?.options).toMatchObject({ allowWatchBookmarks: true, timeoutSeconds: 450 });
    await put('b');
    await clock.advance(0);
    expect(names(informer.lister.list())).toEqual(['a', 'b']);
    expect(api.requests.some((each) => each.verb === 'list')).toBe(false);
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
    expect(api.requests.filter((each) => each.verb === 'watch').length).toBe(7);
    expect(lines[0]).toContain('cannot list configmaps');
    api.fault = () => undefined;
    await clock.advance(30_000);
    expect(informer.synced).toBe(true);
    await informers.stop();
  });

  it('reads page by page where the end of a streamed list is never marked, also while objects change', async () => {
    const { api, clock, client, informers, put } = start();
    api.sendsBookmarks = false;
    await put('a');
    const informer = informers.for(ConfigMap);
    for (let second = 0; second < 9; second += 1) {
      await clock.advance(1_000);
      if (second > 0) await client.delete(ConfigMap, { name: `b${second - 1}`, namespace: 'default' });
      await put(`b${second}`);
      await client.patch(ConfigMap, { name: 'a', namespace: 'default' }, { merge: { data: { second: `${second}` } } });
    }
    expect(informer.synced).toBe(false);
    await clock.advance(2_500);
    expect(informer.synced).toBe(true);
    await client.delete(ConfigMap, { name: 'a', namespace: 'default' });
    await settle();
    expect(names(informer.lister.list())).toEqual(['b8']);
    // One that has nothing to tell is given longer.
    const empty = informers.for(Node);
    await clock.advance(29_000);
    expect(empty.synced).toBe(false);
    await clock.advance(1_500);
    expect(empty.synced).toBe(true);
    await informers.stop();
    expect(api.watches).toBe(0);
  });

  it('goes on with the stream whose end was marked, whatever comes and however long after', async () => {
    const { api, clock, informers, put, lines } = start();
    const informer = informers.for(ConfigMap);
    await settle();
    expect(informer.synced).toBe(true);
    await put('a');
    await clock.advance(60_000);
    await put('b');
    await clock.advance(60_000);
    expect(names(informer.lister.list())).toEqual(['a', 'b']);
    expect(lines).toEqual([]);
    expect(api.watches).toBe(1);
    await informers.stop();
  });

  it('survives a list whose later pages are gone', async () => {
    const { api, clock, informers, put } = start();
    api.streamsLists = false;
    await Promise.all(Array.from({ length: 600 }, (_, at) => put(`c${at}`)));
    let pages = 0;
    api.fault = ({ verb }) => {
      if (verb === 'list' && ++pages === 2) api.compact();
    };
    const informer = informers.for(ConfigMap);
    await clock.advance(10_000);
    await informer.waitForSync();
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
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), fc.boolean(), async (steps, streamsLists) => {
        const { api, client, clock, informers, put } = start();
        api.streamsLists = streamsLists;
        const informer = informers.for(ConfigMap);
        const replayed = new Map<string, ConfigMap>();
        const query = informer.where({ filter: (each) => Number(each.data?.['n'] ?? 0) % 2 === 0 });
        let found: readonly ConfigMap[] = [];
        query.subscribe((objects) => {
          found = objects;
        });
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
        expect(revisions(found)).toEqual(
          revisions(informer.lister.list().filter((each) => Number(each.data?.['n'] ?? 0) % 2 === 0)),
        );
        expect(names(informer.lister.inNamespace('default'))).toEqual(truth.map(([key]) => String(key).split('/')[1]));
        await informers.stop();
      }),
      { numRuns: 100 },
    );
  });
});

import fc from 'fast-check';
import { Subject } from 'rxjs';
import { expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap } from '../api/index.ts';
import { type Client, createClient } from '../client/index.ts';
import { type Informer, InformerFactory } from '../informer/index.ts';
import { StatusError } from '../machinery/index.ts';
import { FakeClock, silentLogger as logger, settle } from '../testing/index.ts';
import { ControllerManager, type ReconcileContext, watch, watchKeys } from './index.ts';
import { OwnWrites } from './own-writes.ts';

const now = AbortSignal.abort(new Error('over'));
const random = () => 0.5;
const refOf = (name: string) => ({ name, namespace: 'default' });

function setup() {
  const api = new ModelApi();
  const clock = new FakeClock();
  const client = createClient(api);
  const informers = new InformerFactory({ client, clock, random, logger });
  const configMaps = informers.for(ConfigMap);
  return { api, clock, client, informers, configMaps };
}

/** What the reconciles themselves did last to each object. */
type Own = Map<string, { readonly version?: string; readonly gone?: string }>;

const name = fc.constantFrom('a', 'b', 'c');
const round = fc.record({
  writes: fc.array(fc.record({ verb: fc.constantFrom('create', 'patch', 'delete'), name, quiet: fc.boolean() }), {
    maxLength: 5,
  }),
  fails: fc.boolean(),
  /** Other code takes over when the first reconcile has written. */
  swaps: fc.boolean(),
  before: fc.constantFrom('nothing', 'hold', 'hold', 'cut', 'compact'),
  others: fc.array(fc.record({ verb: fc.constantFrom('create', 'patch', 'delete'), name }), { maxLength: 2 }),
});

async function write(client: Client, verb: string, of: string, count: number): Promise<ConfigMap | undefined> {
  try {
    if (verb === 'create') return await client.create(ConfigMap, { metadata: refOf(of) });
    if (verb === 'patch') return await client.patch(ConfigMap, refOf(of), { merge: { data: { n: String(count) } } });
    await client.delete(ConfigMap, refOf(of));
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
  }
  return undefined;
}

it('shows no reconcile a cache older than what its key has written, however late the watch is', async () => {
  let waited = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 2, maxLength: 8 }), async (rounds) => {
      const { api, clock, client, informers, configMaps } = setup();
      await configMaps.waitForSync();
      const keys$ = new Subject<string>();
      const own: Own = new Map();
      const wrong: string[] = [];
      let count = 0;
      let work: ((context: ReconcileContext) => Promise<void>) | undefined;
      const look = () => {
        for (const [of, { version, gone }] of own) {
          const cached = configMaps.lister.get(`default/${of}`)?.metadata;
          if (version !== undefined && Number(configMaps.resourceVersion) < Number(version)) {
            wrong.push(`${of}: the cache is at ${configMaps.resourceVersion}, and ${version} was written`);
          }
          if (gone !== undefined && cached?.uid === gone) wrong.push(`${of} is there after it was deleted`);
        }
      };
      const begin = (predecessor?: ControllerManager) => {
        const next = new ControllerManager({
          clock,
          random,
          logger,
          controllers: [
            {
              name: 'test',
              watches: [watch(configMaps).map(() => ['key']), watchKeys(configMaps, 'test', keys$)],
              async reconcile(_, context) {
                look();
                await work?.(context);
              },
            },
          ],
          ...(predecessor && { predecessor }),
        });
        next.start();
        return next;
      };
      let manager = begin();
      await settle();
      for (const { writes, fails, swaps, before, others } of rounds) {
        if (before === 'hold') api.hold();
        else if (before === 'cut') api.endWatches(new Error('connection reset'));
        else if (before === 'compact') {
          api.compact();
          api.endWatches();
        }
        for (const each of others) await write(client, each.verb, each.name, ++count);
        work = async (context) => {
          work = undefined;
          for (const each of writes) {
            const quiet = context.track(client, { quiet: each.quiet });
            const there = (await client.list(ConfigMap)).items.find((other) => other.metadata.name === each.name);
            const uid = there?.metadata.uid;
            const seen = configMaps.lister.get(`default/${each.name}`)?.metadata.uid === uid;
            const made = own.get(each.name)?.version === there?.metadata.resourceVersion;
            // No answer to a deletion tells how late a cache is that has not seen what others made.
            if (each.verb === 'delete' && !seen && !made) continue;
            const left = await write(quiet, each.verb, each.name, ++count);
            const version = left?.metadata.resourceVersion;
            if (version !== undefined) own.set(each.name, { version });
            else if (each.verb === 'delete' && uid !== undefined) own.set(each.name, { gone: uid });
          }
          if (fails) throw new Error('it failed');
        };
        keys$.next('key');
        await settle();
        if (swaps) {
          await manager.stop(now);
          manager = begin(manager);
        }
        // One more that has to wait for what the first one wrote.
        keys$.next('key');
        await clock.advance(20);
        if (manager.metrics['test']?.active === 1) waited += 1;
        api.release();
        await clock.advance(2_000);
      }
      await clock.advance(60_000);
      expect(wrong).toEqual([]);
      expect(manager.metrics['test']).toMatchObject({ active: 0, timeouts: 0 });
      await manager.stop(now);
      await informers.stop();
    }),
    { numRuns: 60 },
  );
  expect(waited).toBeGreaterThan(10);
});

it('waits for no cache that has stopped', async () => {
  const { client, informers, configMaps } = setup();
  await client.create(ConfigMap, { metadata: refOf('a') });
  await configMaps.waitForSync();
  const object = configMaps.lister.get('default/a');
  const gone = { type: ConfigMap, key: 'default/a', object: undefined, uid: object?.metadata.uid };
  // It stops after it was asked how it fares.
  const stopping: Informer = {
    type: ConfigMap,
    lister: configMaps.lister,
    events$: configMaps.events$,
    synced: true,
    health: { phase: 'live', failures: 0 },
    resourceVersion: configMaps.resourceVersion,
    waitForSync: () => configMaps.waitForSync(),
    waitForVersion: (version, signal) => configMaps.waitForVersion(version, signal),
    selects: (each) => configMaps.selects(each),
    where: () => {
      throw new Error('nobody asks');
    },
    addIndex: () => undefined,
  };
  const writes = new OwnWrites(() => [{ informer: stopping }]);
  writes.record('key', gone, true);
  await informers.stop();
  await writes.caughtUp('key', AbortSignal.timeout(5_000));
});

import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { establish } from '../../test/operator-on-model.ts';
import { Website } from '../../test/website-operator.ts';
import { ConfigMap } from '../api/index.ts';
import { type Client, createClient } from '../client/index.ts';
import { defineOperator, type OperatorDefinition } from '../crd/index.ts';
import { FakeClock } from '../testing/index.ts';
import type { ClusterConnection, ClusterSource } from './cluster-set.ts';
import { ClustersInUse, clustersPlugin } from './clusters-plugin.ts';
import { controllerManagerPlugin, createHost, createLogger, Manager } from './index.ts';

const ref = { name: 'hello', namespace: 'default' };
const spec = { page: 'hi', replicas: 1, image: 'x' };

type Reconcile = OperatorDefinition<Website>['reconcile'];

async function open(source: (clients: Readonly<Record<string, Client>>) => ClusterSource, reconcile?: Reconcile) {
  const apis = { east: new ModelApi(), west: new ModelApi() };
  const clients: Record<string, Client> = {};
  for (const [name, api] of Object.entries(apis)) {
    await establish(api, Website);
    clients[name] = createClient(api);
  }
  const runs: string[] = [];
  const operator = defineOperator({
    name: 'website',
    for: Website,
    owns: [ConfigMap],
    async reconcile(site, context) {
      const { apply, cluster, key, children } = context;
      runs.push(`${cluster} ${key} ${children(ConfigMap).length}`);
      if (reconcile) return reconcile(site, context);
      await apply(ConfigMap, { data: { cluster: String(cluster), page: site.spec.page } });
    },
  });
  const clock = new FakeClock();
  const lines: string[] = [];
  const clusters = clustersPlugin({
    source: source(clients),
    plugins: [operator],
    async open(connection: ClusterConnection) {
      if (!('client' in connection)) throw new Error('no way there');
      return { client: connection.client, close: () => undefined };
    },
  });
  const host = createHost({
    plugins: [controllerManagerPlugin, clusters],
    logger: createLogger({ level: 'info', write: (line) => lines.push(line), clock }),
    clock,
    random: () => 0.5,
  });
  await host.start();
  const create = (cluster: string, name = ref.name) =>
    clients[cluster]?.create(Website, { metadata: { ...ref, name }, spec });
  const made = async (cluster: string, name = ref.name) =>
    (await clients[cluster]?.list(ConfigMap))?.items.find(({ metadata }) => metadata.name === name)?.data;
  const { traces } = host.get(Manager);
  return { apis, clients, clock, host, lines, runs, create, made, traces, set: host.get(ClustersInUse) };
}

describe('an operator on many clusters', () => {
  it('counts what the informers of each hold', async () => {
    const { clock, create, host, set } = await open(({ east, west }) => ({
      east: { client: east! },
      west: { client: west! },
    }));
    await clock.advance(1_000);
    await create('east');
    await clock.advance(1_000);
    const metrics = set.metrics();
    expect(metrics).toContain('keelson_cluster_live{cluster="west"} 1\n');
    expect(metrics).toMatch(/^keelson_informer_objects\{cluster="east",group="example.com",.*\} 1$/m);
    expect(metrics).toMatch(/^keelson_informer_objects\{cluster="west",group="example.com",.*\} 0$/m);
    await host.stop();
  });

  it('reconciles the objects of each with its own children, and tells by the key where that was', async () => {
    const { clock, clients, create, host, lines, made, runs, traces } = await open(({ east, west }) => ({
      east: { client: east! },
      west: { client: west! },
    }));
    await clock.advance(1_000);
    await create('east');
    await create('west');
    await clock.advance(1_000);
    expect(runs.toSorted()).toEqual(['east default/hello 0', 'west default/hello 0']);
    expect([await made('east'), await made('west')]).toEqual([
      { cluster: 'east', page: 'hi' },
      { cluster: 'west', page: 'hi' },
    ]);
    await clients['west']?.patch(ConfigMap, ref, { merge: { data: { page: 'theirs' } } });
    await clock.advance(1_000);
    expect(await made('west')).toEqual({ cluster: 'west', page: 'hi' });
    expect(runs.at(-1)).toBe('west default/hello 1');
    expect(
      traces
        .list()
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(['east:default/hello', 'west:default/hello', 'west:default/hello']);
    expect(traces.list().at(-1)?.causes[0]).toMatchObject({ watch: 'west: ConfigMap → its Website' });
    expect(Object.keys(host.get(Manager).metrics)).toEqual(['website']);
    expect(lines.map((each) => each.split('clusters: ')[1])).toContain('works on a cluster cluster=west');
    await host.stop();
  });

  it('does not wait in one cluster for what it wrote in another one', async () => {
    const { apis, clock, create, clients, host, made, runs } = await open(({ east, west }) => ({
      east: { client: east! },
      west: { client: west! },
    }));
    // The west counts far behind the east.
    for (let each = 0; each < 50; each += 1) {
      await clients['east']?.create(ConfigMap, { metadata: { ...ref, name: `filler-${each}` } });
    }
    await clock.advance(1_000);
    await create('east');
    await clock.advance(1_000);
    await clients['east']?.patch(Website, ref, { merge: { spec: { page: 'new' } } });
    await clock.advance(1_000);
    expect(runs).toEqual(['east default/hello 0', 'east default/hello 1']);
    expect(await made('east')).toEqual({ cluster: 'east', page: 'new' });
    expect(apis.west.writes.filter(({ resource }) => resource === 'configmaps')).toEqual([]);
    await host.stop();
  });

  it('keeps nobody waiting for one that is away, which joins when it is back', async () => {
    const away = { kubeconfig: '/nowhere' };
    const { clients, clock, create, host, lines, made, set } = await open(({ east }) => ({
      east: { client: east! },
      west: away,
    }));
    await create('east');
    await create('west');
    await clock.advance(10_000);
    expect(await made('east')).toBeDefined();
    expect(set.live).toEqual(['east']);
    expect(lines.filter((each) => each.includes('is away')).length).toBeGreaterThan(2);
    set.set({ east: { client: clients['east']! }, west: { client: clients['west']! } });
    await clock.advance(1_000);
    expect(set.live).toEqual(['east', 'west']);
    expect(await made('west')).toEqual({ cluster: 'west', page: 'hi' });
    await host.stop();
  });

  it('takes up and leaves clusters while it runs', async () => {
    let tell: (clusters: Readonly<Record<string, ClusterConnection>>) => void = () => undefined;
    let closed = false;
    const { apis, clients, clock, create, host, made, runs, set } = await open(() => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({
          done: false,
          value: await new Promise<Readonly<Record<string, ClusterConnection>>>((resolve) => {
            tell = resolve;
          }),
        }),
        async return() {
          closed = true;
          return { done: true, value: undefined };
        },
      }),
    }));
    await create('east');
    await create('west');
    await clock.advance(1_000);
    expect(runs).toEqual([]);
    tell({ east: { client: clients['east']! } });
    await clock.advance(1_000);
    expect(runs).toEqual(['east default/hello 0']);
    tell({ west: { client: clients['west']! } });
    await clock.advance(1_000);
    expect(set.live).toEqual(['west']);
    expect(apis.east.watches).toBe(0);
    expect(await made('west')).toBeDefined();
    await create('east', 'later');
    await clock.advance(1_000);
    expect(runs).toEqual(['east default/hello 0', 'west default/hello 0']);
    expect(() => set.set({ 'a:b': { client: clients['east']! } })).toThrow('the cluster "a:b": a name has up to 63');
    await host.stop();
    expect([closed, apis.west.watches]).toEqual([true, 0]);
  });

  it('makes children in another cluster where it is told to, which go with the object', async () => {
    const { clients, clock, create, host, made, runs, set } = await open(
      ({ east, west }) => ({ east: { client: east! }, west: { client: west! } }),
      async ({ spec: { page, replicas } }, { apply, children, prune }) => {
        if (replicas > 0) await apply(ConfigMap, { data: { page } }, { cluster: 'west' });
        await prune();
        runs.push(`${children(ConfigMap, { cluster: 'west' }).length} there`);
      },
    );
    const east = clients['east']!;
    const west = clients['west']!;
    await clock.advance(1_000);
    await create('east');
    await clock.advance(1_000);
    const { metadata } = await east.get(Website, ref);
    expect(metadata.annotations?.['keelson.dev/clusters']).toBe('west');
    expect(metadata.finalizers).toEqual(['example.com/website.clusters']);
    const child = await west.get(ConfigMap, ref);
    expect(child.data).toEqual({ page: 'hi' });
    expect(child.metadata.ownerReferences).toBeUndefined();
    expect(child.metadata.labels).toEqual({ 'keelson.dev/owner-uid': metadata.uid });
    expect(child.metadata.annotations?.['keelson.dev/owner']).toBe('website east:default/hello');
    // Once, and not again for what it made itself.
    expect(runs.length).toBe(2);
    await west.patch(ConfigMap, ref, { merge: { data: { page: 'theirs' } } });
    await clock.advance(1_000);
    expect(await made('west')).toEqual({ page: 'hi' });
    await east.patch(Website, ref, { merge: { spec: { replicas: 0 } } });
    await clock.advance(1_000);
    expect(await made('west')).toBeUndefined();
    await east.patch(Website, ref, { merge: { spec: { replicas: 1 } } });
    await clock.advance(1_000);
    expect(await made('west')).toEqual({ page: 'hi' });

    set.set({ east: { client: east } });
    await clock.advance(1_000);
    await east.delete(Website, ref);
    await clock.advance(60_000);
    // Nobody knows what is there while it is away.
    expect((await east.list(Website)).items.length).toBe(1);
    set.set({ east: { client: east }, west: { client: west } });
    await clock.advance(60_000);
    expect(await made('west')).toBeUndefined();
    expect((await east.list(Website)).items).toEqual([]);
    await host.stop();
  });

  it("does not take what is somebody else's in another cluster, and knows which clusters there are", async () => {
    const errors: string[] = [];
    const { clients, clock, create, host } = await open(
      ({ east, west }) => ({ east: { client: east! }, west: { client: west! } }),
      async (_, { apply }) => {
        for (const cluster of ['west', 'south']) {
          await apply(ConfigMap, {}, { cluster }).catch((error: unknown) => errors.push(String(error)));
        }
      },
    );
    await clients['west']?.create(ConfigMap, { metadata: ref, data: { theirs: 'yes' } });
    await create('east');
    await clock.advance(1_000);
    expect(errors).toEqual([
      'Error: ConfigMap default/hello exists and does not belong to Website default/hello',
      'Error: there is no cluster "south", or it is away',
    ]);
    await host.stop();
  });

  it('lets clusters and namespaces take turns', async () => {
    const { clock, create, host, runs } = await open(({ east, west }) => ({
      east: { client: east! },
      west: { client: west! },
    }));
    await clock.advance(1_000);
    for (let each = 0; each < 30; each += 1) await create('east', `e${each}`);
    await create('west', 'w');
    await clock.advance(1_000);
    expect(runs.length).toBe(31);
    expect(runs.findIndex((each) => each.startsWith('west'))).toBeLessThan(16);
    await host.stop();
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestApiServer, type TestApiServer } from '@keelson/apiserver';
import {
  type Client,
  type ClusterConnection,
  ConfigMap,
  defineOperator,
  defineResource,
  Lease,
  runOperator,
} from '@keelson/core';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

const Shop = defineResource({
  group: 'tests.keelson.dev',
  version: 'v1',
  kind: 'Shop',
  spec: z.object({ page: z.string() }),
  status: z.object({ cluster: z.string() }),
});

const ref = { name: 'corner', namespace: 'default' };

const operator = defineOperator({
  name: 'shop',
  for: Shop,
  dependents: ({ child }) => ({
    page: child(ConfigMap, { make: ({ spec }, { cluster }) => ({ data: { page: spec.page, cluster: `${cluster}` } }) }),
    copy: child(ConfigMap, { after: ['page'], make: () => ({ metadata: { name: 'copy' } }) }),
  }),
  async reconcile(_, { cluster, setStatus }) {
    setStatus({ cluster: `${cluster}` });
  },
});

describe('an operator on two real API servers', () => {
  const servers: TestApiServer[] = [];
  const stops: (() => Promise<void>)[] = [];
  let dir: string | undefined;
  afterEach(async () => {
    for (const each of stops.splice(0)) await each();
    for (const each of servers.splice(0)) await each.stop();
    if (dir) await rm(dir, { recursive: true, force: true });
    dir = undefined;
  });
  const server = async () => {
    const started = await startTestApiServer({ socket: true });
    servers.push(started);
    dir ??= await mkdtemp(join(tmpdir(), 'clusters-'));
    const kubeconfig = join(dir, `kubeconfig-${servers.length}`);
    await writeFile(kubeconfig, started.kubeconfig ?? '', { mode: 0o600 });
    return { started, client: started.client, kubeconfig };
  };
  const run = (options: Parameters<typeof runOperator>[1]) => {
    const stop = new AbortController();
    const running = runOperator(operator, { logger: silentLogger, ...options, signal: stop.signal });
    const end = async () => {
      stop.abort();
      await running;
    };
    stops.push(end);
    return end;
  };
  const create = (client: Client, page: string) =>
    waitFor(() => client.create(Shop, { metadata: ref, spec: { page } }), { what: 'the kind to be served' });
  const page = async (client: Client) => (await client.get(ConfigMap, ref)).data;

  it('works on both by their kubeconfigs, with a leader elected in one of them, and not on one that is gone', async () => {
    const [east, west] = [await server(), await server()];
    const options = {
      clusters: { east: { kubeconfig: east.kubeconfig }, west: { kubeconfig: west.kubeconfig } },
      kubeconfig: west.kubeconfig,
      leaderElection: true,
    };
    run(options);
    await create(east.client, 'e');
    await create(west.client, 'w');
    await waitFor(async () => (await page(east.client))?.['cluster'] === 'east', { what: 'the child in the east' });
    await waitFor(async () => (await page(west.client))?.['cluster'] === 'west', { what: 'the child in the west' });
    await waitFor(async () => (await west.client.get(Shop, ref)).status?.cluster === 'west', { what: 'the status' });
    expect((await west.client.list(Lease, { namespace: 'default' })).items.map((each) => each.metadata.name)).toEqual([
      'shop',
    ]);
    expect((await east.client.list(Lease, { namespace: 'default' })).items).toEqual([]);
    await east.started.stop();
    servers.splice(servers.indexOf(east.started), 1);
    await west.client.patch(Shop, ref, { merge: { spec: { page: 'still' } } });
    await waitFor(async () => (await page(west.client))?.['page'] === 'still', { what: 'the other cluster' });
    await west.client.delete(Shop, ref);
    await waitFor(
      async () =>
        (await west.client.list(ConfigMap, { namespace: 'default' })).items.every(
          ({ metadata }) => metadata.name !== 'corner' && metadata.name !== 'copy',
        ),
      { what: 'both children to go' },
    );
  });

  it('takes up clusters and leaves them while it runs', async () => {
    const [east, west] = [await server(), await server()];
    const sets: Readonly<Record<string, ClusterConnection>>[] = [
      { east: { client: east.client } },
      { west: { client: west.client } },
    ];
    let next: () => void = () => undefined;
    async function* clusters() {
      for (const each of sets) {
        yield each;
        await new Promise<void>((resolve) => {
          next = resolve;
        });
      }
    }
    const end = run({ clusters: clusters() });
    await create(east.client, 'one');
    await waitFor(async () => (await page(east.client))?.['page'] === 'one', { what: 'the child in the east' });
    next();
    await create(west.client, 'two');
    await waitFor(async () => (await page(west.client))?.['page'] === 'two', { what: 'the child in the west' });
    await east.client.patch(Shop, ref, { merge: { spec: { page: 'unseen' } } });
    await west.client.patch(Shop, ref, { merge: { spec: { page: 'seen' } } });
    await waitFor(async () => (await page(west.client))?.['page'] === 'seen', { what: 'the change in the west' });
    expect((await page(east.client))?.['page']).toBe('one');
    await end();
  });
});

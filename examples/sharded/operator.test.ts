import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestApiServer, type TestApiServer, testCluster } from '@keelson/apiserver/testing';
import { ConfigMap, Lease } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { compiled, OperatorProcess } from '../../packages/keelson/test/operator-process.ts';
import operator, { Page } from './operator.ts';

const namespace = 'default';

it('renders a page, like any operator', async () => {
  await using cluster = await testCluster({ plugins: [operator] });
  const ref = { name: 'home', namespace };
  await cluster.client.create(Page, { metadata: ref, spec: { title: 'a < b', text: '' } });
  await cluster.eventually(async () => {
    const { data } = await cluster.client.get(ConfigMap, ref);
    expect(data).toEqual({ 'index.html': '<title>a &lt; b</title><p></p>' });
  });
});

describe('three processes on two clusters', () => {
  const servers: TestApiServer[] = [];
  const processes = new Map<string, OperatorProcess>();
  let dir = '';
  afterEach(async () => {
    for (const each of processes.values()) await each.kill('SIGKILL');
    processes.clear();
    for (const each of servers.splice(0)) await each.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('divide the pages of both among each other, and anew when one is killed and one stops', async () => {
    dir = await mkdtemp(join(tmpdir(), 'sharded-'));
    const program = await compiled(fileURLToPath(new URL('main.ts', import.meta.url)));
    const cluster = async (name: string) => {
      const server = await startTestApiServer({ socket: true });
      servers.push(server);
      await writeFile(join(dir, name), server.kubeconfig ?? '', { mode: 0o600 });
      return server.client;
    };
    const clusters = [await cluster('east'), await cluster('west')];
    const [east] = clusters;
    const names = Array.from({ length: 24 }, (_, at) => `page-${at}`);
    const pages = async () =>
      (await Promise.all(clusters.map((each) => each.list(Page)))).flatMap(({ items }) => items);
    const renderedBy = async () => new Set((await pages()).map(({ status }) => status?.renderedBy));
    const shards = async (...holders: readonly string[]) => {
      const leases = (await east?.list(Lease, { namespace }))?.items ?? [];
      const held = leases.filter(({ metadata }) => metadata.name.includes('.shard-'));
      const counts = holders.map((who) => held.filter(({ spec }) => spec?.holderIdentity === who).length);
      return held.length === 12 && counts.every((each) => each === 12 / holders.length);
    };
    const start = (name: string) => {
      const env = { EAST: join(dir, 'east'), WEST: join(dir, 'west'), POD_NAME: name, LEASE_MS: '4000' };
      processes.set(name, OperatorProcess.run([program], env));
    };
    const within = (what: string) => ({
      what: `${what}; ${[...processes].map(([name, { output }]) => `${name}: ${output.slice(-2_000)}`).join('\n')}`,
      timeoutMs: 60_000,
    });
    const retitle = async (title: string) => {
      for (const client of clusters) {
        for (const name of names) await client.patch(Page, { name, namespace }, { merge: { spec: { title } } });
      }
    };
    const rendered = (title: string) =>
      waitFor(
        async () => {
          const found = (await Promise.all(clusters.map((each) => each.list(ConfigMap, { namespace })))).flatMap(
            ({ items }) => items,
          );
          return found.filter(({ data }) => data?.['index.html']?.includes(`<title>${title}<`)).length === 48;
        },
        within(`all pages with the title ${title}`),
      );

    for (const each of ['one', 'two', 'three']) start(each);
    await waitFor(() => shards('one', 'two', 'three'), within('four shards for each'));
    for (const client of clusters) {
      for (const name of names) {
        const page = { metadata: { name, namespace }, spec: { title: 'first', text: '' } };
        await waitFor(() => client.create(Page, page), within('the kind'));
      }
    }
    await rendered('first');
    await waitFor(async () => (await renderedBy()).size === 3, within('the work of three'));
    expect(new Set((await pages()).map(({ status }) => status?.cluster))).toEqual(new Set(['east', 'west']));

    await processes.get('two')?.kill('SIGKILL');
    await retitle('second');
    await rendered('second');
    await waitFor(() => shards('one', 'three'), within('six shards for each'));

    expect(await processes.get('three')?.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await retitle('third');
    await rendered('third');
    await waitFor(async () => [...(await renderedBy())].join() === 'one', within('the work of the last one'));
  }, 180_000);
});

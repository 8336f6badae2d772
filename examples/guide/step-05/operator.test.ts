import { testCluster } from '@keelson/apiserver/testing';
import { garbageCollectorPlugin } from '@keelson/controllers';
import { expect, it } from 'vitest';
import { MemoryDns } from './dns.ts';
import { websiteOperator } from './operator.ts';
import { Website } from './website.ts';

const ref = { name: 'hello', namespace: 'default' };

it('gives a site its name, and takes it back', async () => {
  const dns = new MemoryDns();
  const hosts = async () => (await dns.list()).map(({ host }) => host);
  await using cluster = await testCluster({ plugins: [garbageCollectorPlugin, websiteOperator(dns)] });
  const { client } = cluster;

  await client.create(Website, { metadata: ref, spec: { page: '<h1>Hello</h1>', host: 'hello.example.com' } });
  await cluster.eventually(async () => expect(await hosts()).toEqual(['hello.example.com']));
  await cluster.eventually(async () => {
    expect((await client.get(Website, ref)).status?.host).toBe('hello.example.com');
  });

  await client.patch(Website, ref, { merge: { spec: { host: 'hi.example.com' } } });
  await cluster.eventually(async () => expect(await hosts()).toEqual(['hi.example.com']));

  await client.delete(Website, ref);
  await cluster.eventually(async () => expect(await hosts()).toEqual([]));
});

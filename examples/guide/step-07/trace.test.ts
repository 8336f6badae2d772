import { testCluster } from '@keelson/apiserver/testing';
import { Deployment, explain } from '@keelson/core';
import { expect, it } from 'vitest';
import { MemoryDns } from './dns.ts';
import { websiteOperator } from './operator.ts';
import restless from './restless.ts';
import { Website } from './website.ts';

const ref = { name: 'hello', namespace: 'default' };

it('says why it ran', async () => {
  await using cluster = await testCluster({ plugins: [websiteOperator(new MemoryDns())] });
  const { client, traces } = cluster;
  const why = () => explain(traces.list(), { controller: 'website', key: 'default/hello' });

  await client.create(Website, { metadata: ref, spec: { page: '<h1>Hello</h1>' } });
  await cluster.eventually(() => client.get(Deployment, ref));
  await client.patch(Deployment, ref, { merge: { spec: { replicas: 7 } } });
  await cluster.eventually(() => {
    expect(why()).toContain('because Website default/hello was added');
    expect(why()).toMatch(/because Deployment default\/hello was updated .* by somebody else/);
  });
});

it('warns of an operator that feeds itself, with the line that does it', async () => {
  await using cluster = await testCluster({ plugins: [restless] });
  await cluster.client.create(Website, { metadata: ref, spec: { page: '<h1>Hello</h1>' } });
  const warning = await cluster.waitFor(() => cluster.warnings.find(({ kind }) => kind === 'hot-loop'));
  expect(warning.place).toMatch(/restless\.ts:12$/);
  expect(warning.message).toContain('metadata.annotations["example.com/looks"]');
});

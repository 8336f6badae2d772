import { testCluster } from '@keelson/apiserver/testing';
import { ConfigMap } from '@keelson/core';
import { expectCompatible } from '@keelson/core/testing';
import { expectRoundTrip } from '@keelson/core/testing/generators';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryDns } from './dns.ts';
import { websiteOperator } from './operator.ts';
import { Website } from './website.ts';

const ref = { name: 'hello', namespace: 'default' };

it('serves both versions of the same site', async () => {
  await using cluster = await testCluster({ plugins: [websiteOperator(new MemoryDns())] });
  const { client } = cluster;

  await client.create(Website.v1alpha1, { metadata: ref, spec: { page: '<h1>Hello</h1>' } });
  expect((await client.get(Website.v1, ref)).spec).toEqual({ pages: { 'index.html': '<h1>Hello</h1>' }, replicas: 2 });

  await client.patch(Website.v1, ref, { merge: { spec: { pages: { 'about.html': 'Who we are' } } } });
  await client.patch(Website.v1alpha1, ref, { merge: { spec: { page: '<h1>Hello again</h1>' } } });
  const data = { 'index.html': '<h1>Hello again</h1>', 'about.html': 'Who we are' };
  await cluster.eventually(async () => expect((await client.get(ConfigMap, ref)).data).toEqual(data));
});

it('loses nothing between versions', () => {
  const text = fc.string({ minLength: 1, maxLength: 20 });
  const others = fc.dictionary(fc.constantFrom('about.html', 'news.html'), text);
  const pages = fc.tuple(text, others).map(([index, rest]) => ({ ...rest, 'index.html': index }));
  return expectRoundTrip(Website, { given: { v1: { 'spec.pages': pages } } });
});

it('stays compatible with what is stored', () =>
  expectCompatible(Website.v1, new URL('./website.crd.json', import.meta.url)));

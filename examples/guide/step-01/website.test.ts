import { testCluster } from '@keelson/apiserver/testing';
import { installCrd } from '@keelson/core';
import { expect, it } from 'vitest';
import { Website } from './website.ts';

it('is a kind like any other', async () => {
  await using cluster = await testCluster();
  const { client } = cluster;
  await installCrd(client, Website.crd);

  const ref = { name: 'hello', namespace: 'default' };
  await client.create(Website, { metadata: ref, spec: { page: '<h1>Hello</h1>' } });
  const site = await client.get(Website, ref);
  expect(site.spec).toEqual({ page: '<h1>Hello</h1>', replicas: 2 });

  const large = { metadata: { name: 'large', namespace: 'default' }, spec: { page: '', replicas: 10 } };
  await expect(client.create(Website, large)).rejects.toThrow(
    'spec.replicas: Invalid value: 10: spec.replicas in body should be less than or equal to 9',
  );
});

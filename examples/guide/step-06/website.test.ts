import { testCluster } from '@keelson/apiserver/testing';
import { installCrd } from '@keelson/core';
import { expect, it } from 'vitest';
import { Website } from './website.ts';

const metadata = { name: 'hello', namespace: 'default' };

it('refuses what makes no sense', async () => {
  await using cluster = await testCluster();
  const { client } = cluster;
  await installCrd(client, Website.crd);
  const create = (spec: { page: string; replicas?: number; host?: string }) =>
    client.create(Website, { metadata, spec });

  await expect(create({ page: '' })).rejects.toThrow('spec.page in body should be at least 1 chars long');
  await expect(create({ page: 'hi', host: 'Hello!' })).rejects.toThrow('spec.host in body should match');
  await expect(create({ page: 'hi', host: 'hello.example.com', replicas: 0 })).rejects.toThrow(
    'spec.replicas: Invalid value: a site with a host needs a replica',
  );

  await create({ page: 'hi', host: 'hello.example.com' });
  await expect(client.patch(Website, metadata, { merge: { spec: { host: null } } })).rejects.toThrow(
    'a site that has a host keeps one',
  );
});

import { testCluster } from '@keelson/apiserver/testing';
import { expect, it } from 'vitest';
import policy from './policy.ts';
import { Website } from './website.ts';

it('gives no host twice', async () => {
  await using cluster = await testCluster({ plugins: [policy] });
  const create = (name: string, host: string) =>
    cluster.client.create(Website, { metadata: { name, namespace: 'default' }, spec: { page: 'hi', host } });

  await create('hello', 'hello.example.com');
  await create('other', 'other.example.com');
  await expect(create('again', 'hello.example.com')).rejects.toThrow(
    'Website.example.com "again" is invalid: spec.host: default/hello has it',
  );
});

import { Secret, ServiceAccount } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { SecretTokenController } from '../src/secret-token/secret-token-controller.ts';
import { openCluster } from './open-cluster.ts';

const type = 'kubernetes.io/service-account-token';
const annotations = { 'kubernetes.io/service-account.name': 'bot' };
const text = (base64 = '') => Buffer.from(base64, 'base64').toString();

it('fills the Secrets of accounts, and deletes them with their account', async () => {
  const cluster = await openCluster();
  const { client, informers } = cluster;
  const signer = {
    sign: async ({ namespace, name, uid, secret }: Record<string, string>) => [namespace, name, uid, secret].join(),
  };
  cluster.run(new SecretTokenController(client, informers, { pem: 'PEM' }, signer));
  const bot = { name: 'bot', namespace: 'default' };
  const held = { name: 'held', namespace: 'default' };
  const account = await client.create(ServiceAccount, { metadata: bot });
  await client.create(Secret, { metadata: { ...held, annotations }, type });
  const filled = await waitFor(async () => {
    const secret = await client.get(Secret, held);
    return secret.data?.['token'] === undefined ? undefined : secret;
  });
  expect(text(filled.data?.['token'])).toBe(`default,bot,${account.metadata.uid},held`);
  expect(text(filled.data?.['ca.crt'])).toBe('PEM');
  expect(text(filled.data?.['namespace'])).toBe('default');
  expect(filled.metadata.annotations).toEqual({
    ...annotations,
    'kubernetes.io/service-account.uid': account.metadata.uid,
  });
  // Of the account alone: another's, and one that is no such Secret, are let be.
  await client.create(Secret, { metadata: { name: 'other', namespace: 'default', annotations } });
  await client.delete(ServiceAccount, bot);
  await waitFor(async () => (await client.list(Secret, { namespace: 'default' })).items.length === 1);
  expect((await client.list(Secret, { namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toEqual([
    'other',
  ]);
  // One for an account that never was goes too.
  await client.create(Secret, { metadata: { ...held, annotations }, type });
  await waitFor(async () => (await client.list(Secret, { namespace: 'default' })).items.length === 1);
  await cluster.close();
});

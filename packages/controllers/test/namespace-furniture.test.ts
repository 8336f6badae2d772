import { ConfigMap, Namespace, ServiceAccount } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { RootCaController } from '../src/root-ca/root-ca-controller.ts';
import { ServiceAccountController } from '../src/service-account/service-account-controller.ts';
import { openCluster } from './open-cluster.ts';

it('gives every namespace its service account and the CA, and puts both right again', async () => {
  const cluster = await openCluster();
  const { client, informers } = cluster;
  cluster.run(new ServiceAccountController(client, informers), new RootCaController(client, informers, { pem: 'PEM' }));
  await client.create(Namespace, { metadata: { name: 'shop' }, spec: {} });
  const account = { namespace: 'shop', name: 'default' };
  const ca = { namespace: 'shop', name: 'kube-root-ca.crt' };
  const first = await waitFor(() => client.get(ServiceAccount, account));
  expect((await waitFor(() => client.get(ConfigMap, ca))).data).toEqual({ 'ca.crt': 'PEM' });
  await client.delete(ServiceAccount, account);
  await client.patch(ConfigMap, ca, { merge: { data: { 'ca.crt': 'other', more: 'x' } } });
  await waitFor(async () => (await client.get(ServiceAccount, account)).metadata.uid !== first.metadata.uid);
  await waitFor(async () => JSON.stringify((await client.get(ConfigMap, ca)).data) === '{"ca.crt":"PEM"}');
  await cluster.close();
});

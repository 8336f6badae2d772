import { ConfigMap, isStatusError, Namespace, Pod, Secret } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../test/test-cluster.ts';
import { discoverKinds } from './content-kinds.ts';
import { NamespaceController } from './namespace-controller.ts';
import { namespacePlugin } from './plugin.ts';

let cluster: TestCluster;
let number = 0;
const name = () => `ns-${process.pid}-${number}`;

beforeEach(async () => {
  number += 1;
  cluster = await startTestCluster({
    controllers: (as) => {
      const { client, informers, clock } = as(namespacePlugin);
      // In process the discovery documents belong to the HTTP server, which is not there.
      const discover = process.env['KEELSON_PEER_KUBECONFIG']
        ? discoverKinds
        : async () => ({ kinds: known, failures: [] });
      return [new NamespaceController(client, informers, clock, discover)];
    },
  });
  await cluster.client.create(Namespace, { metadata: { name: name() }, spec: {} });
});

const known = ['configmaps', 'secrets', 'pods'].map((resource) => ({ group: '', version: 'v1', resource }));

afterEach(async () => {
  await cluster[Symbol.asyncDispose]();
});

const isGone = async () => {
  try {
    await cluster.client.get(Namespace, { name: name() });
    return false;
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return true;
    throw error;
  }
};

it('a namespace goes with everything in it', { timeout: 30_000 }, async () => {
  const at = (object: string) => ({ metadata: { namespace: name(), name: object } });
  await cluster.client.create(ConfigMap, at('a'));
  await cluster.client.create(Secret, at('b'));
  await cluster.client.create(Pod, {
    ...at('c'),
    spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'i:1' }] },
  });
  await cluster.client.delete(Namespace, { name: name() });
  await waitFor(isGone, { what: `the namespace to go; errors: ${cluster.errors.join('\n')}` });
});

it('a namespace says what keeps it', { timeout: 30_000 }, async () => {
  const stuck = { metadata: { namespace: name(), name: 'stuck', finalizers: ['example.com/x'] } };
  await cluster.client.create(ConfigMap, stuck);
  await cluster.client.delete(Namespace, { name: name() });
  const message = (type: string) =>
    waitFor(async () => {
      const { status } = await cluster.client.get(Namespace, { name: name() });
      return status?.conditions?.find((each) => each.type === type && each.status === 'True')?.message;
    });
  expect(await message('NamespaceContentRemaining')).toBe(
    'Some resources are remaining: configmaps. has 1 resource instances',
  );
  expect(await message('NamespaceFinalizersRemaining')).toBe(
    'Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances',
  );
  await cluster.client.patch(ConfigMap, stuck.metadata, { merge: { metadata: { finalizers: null } } });
  await waitFor(isGone, { timeoutMs: 20_000, what: 'the namespace to go' });
});

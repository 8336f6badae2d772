import { Node, Pod, ServiceAccount } from '@keelson/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';

let server: TestApiServer;
beforeAll(async () => {
  server = await startTestApiServer();
  await server.client.create(ServiceAccount, { metadata: { name: 'default', namespace: 'default' } });
  const labels = {
    'topology.kubernetes.io/zone': 'z1',
    'topology.kubernetes.io/region': 'r1',
    'topology.kubernetes.io/x': 'y',
  };
  await server.client.create(Node, { metadata: { name: 'n', labels }, spec: {} });
});
afterAll(() => server.stop());

const wanted = { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/region': 'r1' };
const containers = [{ name: 'a', image: 'i' }];

// As a real v1.35.4 does.
it('gives pods the zone and region of their node', async () => {
  const bound = await server.client.create(Pod, {
    metadata: { name: 'bound', namespace: 'default', labels: { 'topology.kubernetes.io/zone': 'own', a: 'b' } },
    spec: { containers },
  });
  const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'bound' }, target: { kind: 'Node', name: 'n' } };
  z.object({ status: z.literal('Success') }).parse(
    await server.client.createSubresource(Pod, bound.metadata, 'binding', body),
  );
  const { metadata } = await server.client.get(Pod, { name: 'bound', namespace: 'default' });
  expect(metadata.labels).toEqual({ ...wanted, a: 'b' });
  const direct = await server.client.create(Pod, {
    metadata: { name: 'direct', namespace: 'default' },
    spec: { nodeName: 'n', containers },
  });
  expect(direct.metadata.labels).toEqual(wanted);
  const elsewhere = await server.client.create(Pod, {
    metadata: { name: 'elsewhere', namespace: 'default' },
    spec: { nodeName: 'gone', containers },
  });
  expect(elsewhere.metadata.labels).toBeUndefined();
});

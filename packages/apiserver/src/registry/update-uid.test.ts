import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';

let server: TestApiServer;
beforeAll(async () => {
  server = await startTestApiServer();
});
afterAll(() => server.stop());

const leases = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
} as const;
const update = (name: string, metadata: object) =>
  server.client.update(leases, { metadata: { name, namespace: 'default', ...metadata } });

// What a real kube-apiserver v1.35.4 says: which object is meant comes before which version of it.
it.each([
  ['made', { uid: 'u', resourceVersion: '5' }, 'UID in precondition: u, UID in object meta: UID'],
  ['made', { uid: 'u', resourceVersion: 'x' }, 'UID in precondition: u, UID in object meta: UID'],
  ['made', { resourceVersion: 'x' }, 'strconv.ParseUint: parsing "x": invalid syntax'],
  ['none', { uid: 'u', resourceVersion: 'x' }, 'UID in precondition: u, UID in object meta: '],
  ['none', { resourceVersion: 'x' }, 'strconv.ParseUint: parsing "x": invalid syntax'],
])('%s %j: %s', async (name, metadata, expected) => {
  const made = await server.client.create(leases, { metadata: { name: 'made', namespace: 'default' } });
  const uid = made.metadata.uid ?? '';
  const message = expected.startsWith('UID')
    ? `Operation cannot be fulfilled on leases.coordination.k8s.io "${name}": StorageError: invalid object, Code: 4, Key: /registry/leases/default/${name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ${expected.replace('meta: UID', `meta: ${uid}`)}`
    : expected;
  await expect(update(name, metadata)).rejects.toThrow(message);
  await server.client.delete(leases, { name: 'made', namespace: 'default' });
});

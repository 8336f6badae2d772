import { type ApiRequest, systemClock, systemRandom } from '@keelson/core';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { ResourceRegistry } from '../../registry/index.ts';
import { MemoryStorage } from '../../storage/memory-storage.ts';

const user = { name: 'admin', groups: ['system:masters'] };
const configurations = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
} as const;
const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' } as const;
const configuration = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'closed' },
  webhooks: [
    {
      name: 'closed.keelson.dev',
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      rules: [{ operations: ['CREATE'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }],
      clientConfig: { url: 'https://127.0.0.1:1/' },
    },
  ],
};
const registryOn = (storage: MemoryStorage) =>
  new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
const create = (name: string): ApiRequest => ({ ...configMaps, verb: 'create', body: { metadata: { name } } });

describe('webhook configurations', () => {
  it('hold from the first request of a server that begins with them, and no longer than they are there', async () => {
    const storage = new MemoryStorage();
    const first = registryOn(storage);
    await first.handle({ ...configurations, verb: 'create', body: configuration }, user);
    await first.close();

    const second = registryOn(storage);
    await expect(second.handle(create('a'), user)).rejects.toThrow('failed calling webhook "closed.keelson.dev"');
    const open = { ...configuration, webhooks: [{ ...configuration.webhooks[0], failurePolicy: 'Ignore' }] };
    const current = await second.handle({ ...configurations, verb: 'get', name: 'closed' }, user);
    const { resourceVersion } = current.type === 'object' ? current.value.object.metadata : {};
    const body = { ...open, metadata: { name: 'closed', resourceVersion } };
    await second.handle({ ...configurations, verb: 'update', name: 'closed', body }, user);
    await waitFor(() => second.handle(create('b'), user).then(() => true));

    // Its rules mean all there is, and yet nobody is locked out of what locks others out.
    await second.handle({ ...configurations, verb: 'delete', name: 'closed' }, user);
    await waitFor(() => second.handle(create('c'), user).then(() => true));
    await second.close();
    await storage.close();
  });
});

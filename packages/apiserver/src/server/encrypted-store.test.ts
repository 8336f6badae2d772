import { Secret, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { EncryptionAtRest } from '../storage/encryption/encryption-at-rest.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { resourceOfPlace } from './resource-of-place.ts';
import { startTestApiServer } from './start-test-api-server.ts';
import { openStore } from './store-options.ts';

const key = (name: string, begin: string) => ({
  name,
  secret: Buffer.from(`${begin}123456789abcdef0123456789abcdef`).toString('base64'),
});
const config = (...providers: readonly object[]) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [{ resources: ['*.*'], providers }],
});

const open = (encryption: Record<string, unknown> | undefined) =>
  openStore(
    { store: 'memory', compactionInterval: 0, encryption },
    { dataDir: undefined, clock: systemClock, random: systemRandom, logger: silentLogger },
  );

describe('an API server on an encrypted store', () => {
  it('serves and watches what nobody can read in the store', async () => {
    const storage = await open(config({ secretbox: { keys: [key('key1', '0')] } }));
    const server = await startTestApiServer({ storage });
    const made = await server.client.create(Secret, {
      metadata: { name: 'a', namespace: 'default' },
      stringData: { k: 'plain-text-marker' },
    });
    const read = await server.client.get(Secret, { name: 'a', namespace: 'default' });
    expect(read).toEqual(made);
    const kept = storage.freeze().piece('', 10_000);
    expect(kept.length).toBeGreaterThan(100);
    for (const { value } of kept) {
      expect(Buffer.from(value).subarray(0, 26).toString()).toBe('k8s:enc:secretbox:v1:key1:');
    }
    // Nothing changes, and so nothing is written.
    const same = await server.client.update(Secret, read);
    expect(same.metadata.resourceVersion).toBe(read.metadata.resourceVersion);
    await server.stop();
  });

  it('deletes what it has lost the key of, for who may', async () => {
    const inner = new MemoryStorage();
    const at = async (...providers: readonly object[]) => {
      const source = { config: { ...config(...providers), resources: [{ resources: ['secrets'], providers }] } };
      const atRest = { source, resourceOf: resourceOfPlace, clock: systemClock, logger: silentLogger };
      return new EncryptionAtRest(atRest).open(inner);
    };
    const secret = { metadata: { name: 'a', namespace: 'default' } };
    const before = await at({ aesgcm: { keys: [key('key1', '0')] } });
    await before.create('/registry/secrets/default/a', Buffer.from(JSON.stringify(secret)));
    const server = await startTestApiServer({ storage: await at({ aesgcm: { keys: [key('key2', '1')] } }) });
    const { client } = server;
    const lost = 'Internal error occurred: no matching key was found for the provided AES transformer';
    await expect(client.get(Secret, secret.metadata)).rejects.toThrow(lost);
    await expect(client.delete(Secret, secret.metadata)).rejects.toThrow(lost);
    const place = { group: '', version: 'v1', resource: 'secrets', ...secret.metadata };
    const options = { ignoreStoreReadErrorWithClusterBreakingPotential: true };
    const user = { name: 'admin', groups: ['system:masters'] };
    await expect(server.handler.handle({ ...place, verb: 'list' }, user)).rejects.toThrow(
      `unable to transform key "/registry/secrets/default/a": no matching key`,
    );
    await server.handler.handle({ ...place, verb: 'delete', options }, user);
    await expect(client.get(Secret, secret.metadata)).rejects.toThrow('secrets "a" not found');
    await server.stop();
  });

  it('refuses a configuration that is wrong', async () => {
    const wrong = config({ aesgcm: { keys: [{ name: 'key1', secret: 'c2hvcnQ=' }] } });
    await expect(open(wrong)).rejects.toThrow(
      'resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 5, expected one of [16 24 32]',
    );
  });
});

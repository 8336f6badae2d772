import { Secret, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
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

  it('refuses a configuration that is wrong', async () => {
    const wrong = config({ aesgcm: { keys: [{ name: 'key1', secret: 'c2hvcnQ=' }] } });
    await expect(open(wrong)).rejects.toThrow(
      'resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 5, expected one of [16 24 32]',
    );
  });
});

import { createHmac, hkdfSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@keelson/core';
import { FakeClock, silentLogger } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Storage } from '../../contract.ts';
import { MemoryStorage } from '../../memory-storage.ts';
import { AesGcm } from '../aes-gcm.ts';
import { EncryptionAtRest } from '../encryption-at-rest.ts';
import { DerivedKeys } from './derived-keys.ts';
import { KmsClient } from './kms-client.ts';
import { KmsPlugin } from './kms-plugin.test-util.ts';
import { KmsProvider } from './kms-provider.ts';
import { encryptedObject } from './messages.ts';

const place = '/registry/secrets/default/a';
const bytes = (text: string) => Buffer.from(text);
const prefix = 'k8s:enc:kms:v2:mine:';

describe('a KMS plugin', () => {
  let dir: string;
  let plugin: KmsPlugin;
  let ended: AbortController;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'kms-'));
    plugin = new KmsPlugin(join(dir, 'kms.sock'));
    await plugin.start();
    ended = new AbortController();
  });
  afterEach(async () => {
    ended.abort();
    await plugin.stop();
    await rm(dir, { recursive: true });
  });

  const encrypted = (store: Storage): Promise<Storage> => {
    const providers = [{ kms: { apiVersion: 'v2', name: 'mine', endpoint: plugin.endpoint } }, { identity: {} }];
    const config = {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      resources: [{ resources: ['secrets'], providers }],
    };
    const resourceOf = () => ({ group: '', resource: 'secrets' });
    return new EncryptionAtRest({ source: { config }, resourceOf, clock: systemClock, logger: silentLogger }).open(
      store,
    );
  };

  it('is asked once for all values of a run', async () => {
    const store = new MemoryStorage();
    const first = await encrypted(store);
    for (let at = 0; at < 5; at++) await first.create(`${place}${at}`, bytes(`value ${at}`));
    await first.keysHealthy?.();
    const { entries } = await store.list('/registry/');
    for (const { value } of entries) expect(Buffer.from(value).subarray(0, prefix.length).toString()).toBe(prefix);
    expect(plugin.decryptions).toBe(0);
    const again = await encrypted(store);
    const read = await again.list('/registry/');
    expect(read.entries.map(({ value }) => Buffer.from(value).toString())).toEqual(
      [0, 1, 2, 3, 4].map((at) => `value ${at}`),
    );
    expect(plugin.decryptions).toBe(1);
    const sealed = entries[0]?.value ?? bytes('');
    expect(encryptedObject.decode(sealed.subarray(prefix.length))).toMatchObject({
      keyId: 'key-1',
      sourceType: 'seed',
    });
    await store.close();
  });

  function provider(clock: FakeClock) {
    const service = new KmsClient({ endpoint: plugin.endpoint, timeout: 3_000 });
    ended.signal.addEventListener('abort', () => service.close());
    return new KmsProvider({ name: 'mine', service, clock, logger: silentLogger });
  }

  it('changes its key: values written with the one before are to be written again', async () => {
    const clock = new FakeClock();
    const kms = provider(clock);
    await kms.start(ended.signal);
    const before = kms.seal(bytes('1'), place);
    const origin = kms.current();
    expect((await kms.open(before, place)).origin).toBe(origin);
    plugin.keyId = 'key-2';
    await clock.advance(60_000);
    await expect.poll(() => kms.current()).not.toBe(origin);
    const opened = await kms.open(before, place);
    expect(Buffer.from(opened.value).toString()).toBe('1');
    expect(opened.origin).toBe(origin);
    expect((await kms.open(kms.seal(bytes('2'), place), place)).origin).toBe(kms.current());
  });

  it('is not well: values are written for three minutes more, and read for ever', async () => {
    const clock = new FakeClock();
    const kms = provider(clock);
    await kms.check();
    const sealed = kms.seal(bytes('1'), place);
    plugin.healthz = 'the HSM is on fire';
    await clock.advance(30_000);
    await expect(kms.check()).rejects.toThrow(
      'kmsv2 Provider mine is not healthy, error: got unexpected healthz status: the HSM is on fire',
    );
    kms.seal(bytes('2'), place);
    await plugin.stop();
    await clock.advance(200_000);
    await expect(kms.check()).rejects.toThrow(
      'failed to perform status section of the healthz check for KMS Provider mine, error: rpc error: ',
    );
    expect(() => kms.seal(bytes('3'), place)).toThrow(
      /^encryptedDEKSource with keyID hash "sha256:\w{64}" expired at /,
    );
    expect(Buffer.from((await kms.open(sealed, place)).value).toString()).toBe('1');
  });

  it('must speak its version, and be there before anything is written', async () => {
    plugin.version = 'v3';
    const kms = provider(new FakeClock());
    await expect(kms.check()).rejects.toThrow('expected KMSv2 API version v2, got v3');
    await plugin.stop();
    const other = provider(new FakeClock());
    await other.start(ended.signal);
    expect(() => other.seal(bytes('1'), place)).toThrow('got unexpected nil transformer');
  });

  it('reads what earlier versions of Kubernetes wrote, with one key instead of a seed', async () => {
    const kms = provider(new FakeClock());
    await kms.start(ended.signal);
    const key = Buffer.alloc(32, 7);
    const encryptedSource = new AesGcm(bytes('key-1'.padEnd(32, '.'))).seal(key, '');
    const envelope = { keyId: 'key-1', encryptedSource, annotations: { 'local.kms.example.com': bytes('note') } };
    const encryptedData = new AesGcm(key).seal(bytes('old'), place);
    const opened = await kms.open(encryptedObject.encode({ ...envelope, sourceType: 'key', encryptedData }), place);
    expect(Buffer.from(opened.value).toString()).toBe('old');
    expect(opened.origin).not.toBe(kms.current());
  });
});

describe('derived keys', () => {
  it('are those of HKDF (RFC 5869), expanded only', () => {
    // Where the seed is what extraction makes of some secret, the whole function must come to the same.
    const secret = Buffer.alloc(22, 0x0b);
    const salt = Buffer.alloc(32);
    const seed = createHmac('sha256', salt).update(secret).digest();
    const sealed = new DerivedKeys(seed).seal(bytes('value'), place);
    const key = Buffer.from(hkdfSync('sha256', secret, salt, sealed.subarray(0, 32), 32));
    expect(Buffer.from(new AesGcm(key).open(sealed.subarray(32), place)).toString()).toBe('value');
  });
});

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@keelson/core';
import { FakeClock, silentLogger } from '@keelson/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReloadObserver } from '../../reload/index.ts';
import { collect, storageConformance } from '../conformance.ts';
import { type Storage, UnreadableEntryError } from '../contract.ts';
import { openLogStorage } from '../log-storage.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { AesGcm, mostWrites } from './aes-gcm.ts';
import { EncryptionAtRest } from './encryption-at-rest.ts';
import { parseGroupResource } from './encryption-rules.ts';
import { storedByKubernetes } from './stored-by-kubernetes.test-data.ts';

const secret = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64');
const otherSecret = Buffer.from('1123456789abcdef0123456789abcdef').toString('base64');
const keys = (...names: readonly string[]) => ({
  keys: names.map((name) => ({ name, secret: name === 'key1' ? secret : otherSecret })),
});
const config = (resources: readonly string[], ...providers: readonly object[]) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [{ resources, providers }],
});
const everything = config(['*.*'], { aesgcm: keys('key1') });
const resourceOf = (place: string) => parseGroupResource(place.split('/')[2] ?? '');

const atRest = (source: object) =>
  new EncryptionAtRest({ source: { config: source }, resourceOf, clock: systemClock, logger: silentLogger });
const encrypted = (store: Storage, source: object) => atRest(source).open(store);

storageConformance('an encrypted MemoryStorage', async () => {
  const storage = await encrypted(new MemoryStorage(), everything);
  return { storage, dispose: () => storage.close() };
});

const place = '/registry/secrets/default/a';
const bytes = (text: string) => Buffer.from(text);
const textAt = async (store: Storage, key = place) => Buffer.from((await store.get(key)).entry?.value ?? []).toString();

describe('encryption at rest', () => {
  it.each(storedByKubernetes)('reads %s as Kubernetes stored it with %s', async (key, provider, value) => {
    const store = new MemoryStorage();
    await store.create(key, Buffer.from(value, 'base64'));
    const opened = await encrypted(store, config(['*.'], { [provider]: keys('key1') }));
    const object: unknown = JSON.parse(await textAt(opened, key));
    expect(object).toMatchObject({ metadata: { name: key.split('/').at(-1), namespace: 'default' } });
  });

  it.each(['aesgcm', 'aescbc', 'secretbox'])('gives back what %s stored, and only that', async (provider) => {
    const store = await encrypted(new MemoryStorage(), config(['*.*'], { [provider]: keys('key1') }));
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (value) => {
        const key = `/registry/secrets/${count++}`;
        expect((await store.create(key, value)).value).toBe(value);
        expect((await store.get(key)).entry?.value).toBe(value);
      }),
    );
  });

  it('leaves nothing in plain text on disk, before and after a start', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'encrypted-'));
    const open = async () => encrypted(await openLogStorage({ dir, clock: systemClock }), everything);
    const store = await open();
    for (let at = 0; at < 50; at++) await store.create(`/registry/secrets/${at}`, bytes(`plain-text-marker ${at}`));
    await store.compact(20);
    const frozen = store.freeze().piece('', 100);
    expect(frozen.some(({ value }) => Buffer.from(value).includes('plain-text-marker'))).toBe(false);
    await store.close();
    const again = await open();
    expect(await textAt(again, '/registry/secrets/7')).toBe('plain-text-marker 7');
    await again.close();
    const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
    const contents = await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name))));
    expect(contents.some((each) => each.includes('k8s:enc:aesgcm:v1:key1:'))).toBe(true);
    expect(contents.some((each) => each.includes('plain-text-marker'))).toBe(false);
    await rm(dir, { recursive: true });
  });

  it('refuses a value that was moved to another place', async () => {
    const store = new MemoryStorage();
    const opened = await encrypted(store, everything);
    await opened.create(place, bytes('1'));
    const { entry } = await store.get(place);
    await store.create('/registry/secrets/default/b', entry?.value ?? bytes(''));
    await expect(opened.get('/registry/secrets/default/b')).rejects.toThrow('cipher: message authentication failed');
  });

  it('encrypts what it is told to', async () => {
    const store = new MemoryStorage();
    const opened = await encrypted(store, {
      ...everything,
      resources: [
        { resources: ['secrets', 'websites.example.com'], providers: [{ aesgcm: keys('key1') }] },
        { resources: ['*.apps'], providers: [{ aescbc: keys('key1') }] },
        { resources: ['configmaps'], providers: [{ identity: {} }, { aescbc: keys('key1') }] },
      ],
    });
    const begin = async (key: string) => {
      await opened.create(key, bytes('{"plain":1}'));
      return Buffer.from((await store.get(key)).entry?.value ?? [])
        .subarray(0, 17)
        .toString();
    };
    expect(await begin('/registry/secrets/default/a')).toBe('k8s:enc:aesgcm:v1');
    expect(await begin('/registry/configmaps/default/a')).toBe('{"plain":1}');
    expect(await begin('/registry/pods/default/a')).toBe('{"plain":1}');
  });

  it('knows what a later configuration would store otherwise', async () => {
    const store = new MemoryStorage();
    const first = await encrypted(store, config(['secrets'], { aesgcm: keys('key1') }));
    await first.create(place, bytes('1'));
    const stale = async (opened: Storage) =>
      opened.isStale?.(place, (await opened.get(place)).entry?.value ?? bytes(''));
    expect(await stale(first)).toBe(false);
    expect(await stale(await encrypted(store, config(['secrets'], { aesgcm: keys('key2', 'key1') })))).toBe(true);
    expect(await stale(await encrypted(store, config(['secrets'], { aesgcm: keys('key1', 'key2') })))).toBe(false);
    const plain = await encrypted(store, config(['secrets'], { identity: {} }, { aesgcm: keys('key1') }));
    expect(await stale(plain)).toBe(true);
    const { entry } = await plain.get(place);
    await plain.update(place, bytes('1'), entry?.modRevision ?? 0);
    expect(await stale(plain)).toBe(false);
    await expect(stale(first)).rejects.toThrow('no matching prefix found');
  });

  it('names the object whose key is missing, and lets it be deleted; watchers see it as not there', async () => {
    const store = new MemoryStorage();
    await (await encrypted(store, everything)).create(place, bytes('1'));
    const lost = await encrypted(store, config(['*.*'], { aesgcm: keys('key2') }, { identity: {} }));
    const failure = await lost.get(place).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UnreadableEntryError);
    expect(failure).toMatchObject({
      key: place,
      message: 'no matching key was found for the provided AES transformer',
    });
    await expect(lost.list('/registry/')).rejects.toThrow(`unable to transform key "${place}": no matching key was`);
    await lost.create('/registry/secrets/default/b', bytes('2'));
    const revision = failure instanceof UnreadableEntryError ? failure.revision : 0;
    await lost.delete(place, revision);
    const seen = await collect(lost, '', 0, 3);
    expect(seen.map(({ type, key, entry, previous }) => [type, key, !!entry, !!previous])).toEqual([
      ['delete', place, false, false],
      ['put', '/registry/secrets/default/b', true, false],
      ['delete', place, false, false],
    ]);
  });

  it('reads its file again, and keeps to what it has when that is wrong', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'encryption-'));
    const file = join(dir, 'encryption.yaml');
    const write = (source: unknown) => writeFile(file, JSON.stringify(source));
    await write(config(['secrets'], { aesgcm: keys('key1') }));
    const clock = new FakeClock();
    const reloads = { success: 0, failure: 0 };
    const observer: ReloadObserver = { applied: () => undefined, reloaded: (status) => reloads[status]++ };
    const opening = new EncryptionAtRest({ source: { file }, resourceOf, clock, logger: silentLogger, observer });
    const store = new MemoryStorage();
    const opened = await opening.open(store);
    await opened.create(place, bytes('1'));
    await write(config(['secrets'], { aesgcm: { keys: [] } }));
    await opening.reload();
    expect(reloads).toEqual({ success: 0, failure: 1 });
    expect(await textAt(opened)).toBe('1');
    await write(config(['secrets'], { secretbox: keys('key2') }, { aesgcm: keys('key1') }));
    await opening.reload();
    await opening.reload();
    expect(reloads).toEqual({ success: 1, failure: 1 });
    expect(await textAt(opened)).toBe('1');
    expect(opened.isStale?.(place, (await opened.get(place)).entry?.value ?? bytes(''))).toBe(true);
    await opened.create('/registry/secrets/default/b', bytes('2'));
    const { entry } = await store.get('/registry/secrets/default/b');
    expect(Buffer.from(entry?.value ?? []).toString()).toContain('k8s:enc:secretbox:v1:key2:');
    await opened.close();
    await rm(dir, { recursive: true });
  });
});

describe('AES-GCM', () => {
  it('does not write more often with a key than its nonces stay apart', () => {
    const worn = new AesGcm(Buffer.alloc(32), undefined, mostWrites);
    expect(() => worn.seal(bytes('1'), place)).toThrow('worn out');
    let warned = 0;
    const old = new AesGcm(Buffer.alloc(32), () => warned++, 199_998);
    for (let at = 0; at < 3; at++) old.seal(bytes('1'), place);
    expect(warned).toBe(1);
  });
});

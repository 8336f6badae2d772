import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent, writePrivateFile } from './write-file.ts';

/** The key that signs ServiceAccount tokens, and those that did. */
export interface ServiceAccountKeyRing {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Public halves of keys that sign no more; what they have signed stays good. */
  readonly retired: readonly KeyObject[];
}

export interface ServiceAccountKeyFiles {
  readonly current: ServiceAccountKeyRing;
  /** Reads the files again. Rejects, and keeps what it has, when they cannot be read. */
  reload(): Promise<void>;
}

const retiredName = /^sa-[\w-]+\.pub$/;

/**
 * `sa.key` signs; `sa-*.pub` are the public halves of those that did before. A key is made where there is none. Without
 * a directory it lives in memory.
 */
export async function openServiceAccountKeys(dir: string | undefined): Promise<ServiceAccountKeyFiles> {
  if (dir === undefined) return { current: { ...generate(), retired: [] }, reload: async () => undefined };
  let current = await readRing(dir);
  if (!current) {
    await writeKey(dir, generate());
    current = await readRing(dir);
  }
  if (!current) throw new Error(`the key of ServiceAccount tokens that was written to ${dir} is not there`);
  let text = fingerprint(current);
  return {
    get current() {
      if (!current) throw new Error('the key of ServiceAccount tokens is not open');
      return current;
    },
    async reload() {
      const read = await readRing(dir);
      const found = read && fingerprint(read);
      if (read === undefined || found === undefined || found === text) return;
      current = read;
      text = found;
    },
  };
}

/**
 * Replaces the key that signs, and keeps the public half of the old one: tokens that it has signed stay good. A server
 * takes the new key over within half a minute. Cut off at any moment, the directory is whole: the old half is written
 * before the new key is.
 */
export async function rotateServiceAccountKey(dir: string): Promise<{ readonly retired: string }> {
  const old = await readRing(dir);
  if (!old) throw new Error(`there is no key of ServiceAccount tokens in ${dir}`);
  const retired = `sa-${idOf(old.publicKey)}.pub`;
  await writePrivateFile(join(dir, retired), spki(old.publicKey));
  await writeKey(dir, generate());
  return { retired };
}

const generate = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const idOf = (key: KeyObject) =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
    .slice(0, 16);

async function writeKey(dir: string, { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }) {
  await writePrivateFile(join(dir, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  await writePrivateFile(join(dir, 'sa.pub'), spki(publicKey));
}

async function readRing(dir: string): Promise<ServiceAccountKeyRing | undefined> {
  const stored = await readIfPresent(join(dir, 'sa.key'));
  if (stored === undefined) return undefined;
  const privateKey = createPrivateKey(stored);
  const names = (await readdir(dir)).filter((each) => retiredName.test(each)).sort();
  const texts = await Promise.all(names.map((each) => readIfPresent(join(dir, each))));
  const publicKey = createPublicKey(privateKey);
  const others = texts.filter((each) => each !== undefined).map((each) => createPublicKey(each));
  // A replacement that broke off has retired the key that still signs.
  return { privateKey, publicKey, retired: others.filter((each) => !each.equals(publicKey)) };
}

const fingerprint = ({ publicKey, retired }: ServiceAccountKeyRing) => [publicKey, ...retired].map(spki).join();

import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceAccountTokens } from '../authentication/index.ts';
import { openServiceAccountKeys, rotateServiceAccountKey } from './service-account-key-files.ts';

describe('the keys of ServiceAccount tokens', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'keys-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const account = { namespace: 'a', name: 'bot', uid: 'u' };
  async function open() {
    const files = await openServiceAccountKeys(dir);
    const tokens = new ServiceAccountTokens({
      clock: new FakeClock(),
      issuer: 'i',
      key: () => files.current,
      read: async ({ name }) => ({ metadata: { name, uid: 'u' } }),
    });
    return { files, tokens };
  }

  it('are replaced while tokens of the old one live on, in a running server and after a start', async () => {
    const { files, tokens } = await open();
    const before = (await tokens.issue(account)).token;
    const { retired } = await rotateServiceAccountKey(dir);
    expect((await stat(join(dir, retired))).mode & 0o777).toBe(0o600);
    await files.reload();
    const after = (await tokens.issue(account)).token;
    expect((await tokens.jwks()).keys.map(({ kid }) => kid)).toHaveLength(2);
    const again = (await open()).tokens;
    for (const each of [tokens, again])
      for (const token of [before, after]) expect(await each.authenticateToken(token)).toBeDefined();
    await rotateServiceAccountKey(dir);
    expect((await (await open()).tokens.jwks()).keys).toHaveLength(3);
    await rm(join(dir, retired));
    await expect((await open()).tokens.authenticateToken(before)).rejects.toThrow('invalid signature, no keys found');
  });

  it('are whole whenever a replacement breaks off', async () => {
    const { tokens } = await open();
    const { token } = await tokens.issue(account);
    const old = await readFile(join(dir, 'sa.key'), 'utf8');
    await rotateServiceAccountKey(dir);
    const made = await readdir(dir);
    expect(made.filter((each) => /^sa/.test(each)).sort()).toHaveLength(3);
    // As if it had ended before the new key was in its place.
    await writeFile(join(dir, 'sa.key'), old);
    expect(await (await open()).tokens.authenticateToken(token)).toBeDefined();
  });

  it('may be RSA, or on another curve, as a cluster brings them along', async () => {
    for (const pair of [
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    ]) {
      await writeFile(join(dir, 'sa.key'), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
      const { tokens } = await open();
      expect(await tokens.authenticateToken((await tokens.issue(account)).token)).toBeDefined();
      expect(tokens.signingAlgorithms).toEqual([pair.publicKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES384']);
    }
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { FakeClock } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { ServiceAccountTokens } from './service-account-tokens.ts';

const issuer = 'https://kubernetes.default.svc.cluster.local';

function setUp() {
  const clock = new FakeClock();
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const uids = new Map([
    ['serviceaccounts/a/bot', 'uid-sa'],
    ['pods/a/p', 'uid-pod'],
  ]);
  const tokens = new ServiceAccountTokens({
    clock,
    issuer,
    key: () => key,
    read: async ({ resource, namespace, name }) => {
      const uid = uids.get(`${resource}/${namespace}/${name}`);
      return uid === undefined ? undefined : { metadata: { name, uid } };
    },
  });
  return { clock, uids, tokens };
}

const spec = { namespace: 'a', name: 'bot', uid: 'uid-sa', expirationSeconds: 600 };

describe('ServiceAccountTokens', () => {
  it('knows again what it issued', async () => {
    const { tokens } = setUp();
    const boundObject = { kind: 'Pod' as const, name: 'p', uid: 'uid-pod' };
    const { token, expirationTimestamp } = await tokens.issue({ ...spec, boundObject });
    expect(expirationTimestamp).toBe('2026-01-01T00:10:00Z');
    expect(await tokens.authenticateToken(token)).toMatchObject({
      audiences: [issuer],
      user: {
        name: 'system:serviceaccount:a:bot',
        uid: 'uid-sa',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:a'],
        extra: { 'authentication.kubernetes.io/pod-name': ['p'] },
      },
    });
  });

  it('refuses what has expired, also if it was good before', async () => {
    const { clock, tokens } = setUp();
    const { token } = await tokens.issue(spec);
    await tokens.authenticateToken(token);
    await clock.advance(661_000);
    await expect(tokens.authenticateToken(token)).rejects.toThrow();
  });

  it('refuses a token whose object is gone or was made anew', async () => {
    const { uids, tokens } = setUp();
    const { token } = await tokens.issue({ ...spec, boundObject: { kind: 'Pod', name: 'p', uid: 'uid-pod' } });
    uids.set('pods/a/p', 'another');
    await expect(tokens.authenticateToken(token)).rejects.toThrow();
    uids.delete('pods/a/p');
    await expect(tokens.authenticateToken(token)).rejects.toThrow();
  });

  it('refuses other audiences and signatures, and leaves other issuers to others', async () => {
    const { tokens } = setUp();
    const foreign = await tokens.issue({ ...spec, audiences: ['vault'] });
    await expect(tokens.authenticateToken(foreign.token)).rejects.toThrow();
    expect((await tokens.authenticateToken(foreign.token, ['vault']))?.audiences).toEqual(['vault']);
    const other = await setUp().tokens.issue(spec);
    await expect(tokens.authenticateToken(other.token)).rejects.toThrow();
    expect(await tokens.authenticateToken('no.jwt.here')).toBeUndefined();
  });
});

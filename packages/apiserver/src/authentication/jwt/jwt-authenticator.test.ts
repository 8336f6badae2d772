import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@keelson/core';
import { FakeClock } from '@keelson/core/testing';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPki } from '../../pki/index.ts';
import { celExpressions } from './cel-expressions.ts';
import { JwtAuthenticator } from './jwt-authenticator.ts';
import { AllJwtOptions, JwtOptions } from './jwt-options.ts';

/** The answers are those of kube-apiserver v1.35 with the same configuration and the same tokens. */

const own = ['https://kubernetes.default.svc.cluster.local'];
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');

let server: Server;
let issuer: string;
let ca: string;
let keys: JWK[];
let asked: string[] = [];
let named: string | undefined;

const jwk = async (key: KeyObject, kid: string, alg: string): Promise<JWK> => ({
  ...(await exportJWK(key)),
  kid,
  alg,
  use: 'sig',
});

beforeAll(async () => {
  const pki = await openPki(undefined, { clock: systemClock });
  ca = pki.ca;
  server = createServer({ cert: pki.server.certificate, key: pki.server.key }, (request, response) => {
    asked.push(request.url ?? '');
    const body = request.url?.endsWith('/openid-configuration')
      ? { issuer: named ?? issuer, jwks_uri: `${issuer}/keys` }
      : request.url === '/keys'
        ? { keys }
        : undefined;
    response.statusCode = body ? 200 : 404;
    response.end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(async () => {
  asked = [];
  named = undefined;
  keys = [
    await jwk(createPublicKey(rsa.privateKey), 'k1', 'RS256'),
    await jwk(ec.publicKey, 'k2', 'ES256'),
    await jwk(ed.publicKey, 'k3', 'EdDSA'),
  ];
});

const first = () => ({
  issuer: { url: issuer, audiences: ['aud1', 'aud2'], audienceMatchPolicy: 'MatchAny', certificateAuthority: ca },
  claimMappings: {
    username: { claim: 'sub', prefix: 'p:' },
    groups: { claim: 'roles', prefix: 'g:' },
    uid: { claim: 'uid' },
    extra: [{ key: 'example.com/foo', valueExpression: 'claims.foo' }],
  },
  claimValidationRules: [
    { claim: 'hd', requiredValue: 'example' },
    { expression: 'claims.exp - claims.iat <= 86400', message: 'too long' },
  ],
  userValidationRules: [{ expression: "!user.username.startsWith('p:system:')", message: 'no system users' }],
});
const second = () => ({
  issuer: { url: issuer, audiences: ['aud1'], certificateAuthority: ca },
  claimMappings: { username: { expression: "claims.username + ':x'" }, groups: { expression: 'claims.roles' } },
});

const clock = new FakeClock(Date.parse('2026-11-21T12:00:00Z'));
const authenticator = (options: object, at = clock) =>
  new JwtAuthenticator(JwtOptions.parse(options), { clock: at, compiler: celExpressions, audiences: () => own });

function claims(change: object = {}): Record<string, unknown> {
  const now = Math.floor(clock.now() / 1000);
  const standard = { iss: issuer, aud: 'aud1', exp: now + 3600, iat: now, sub: 'alice', jti: 'J1' };
  return { ...standard, roles: ['r1', 'r2'], uid: 'U', foo: 'bar', hd: 'example', username: 'bob', ...change };
}

interface Signing {
  readonly alg?: string;
  readonly kid?: string;
  readonly key?: KeyObject | Uint8Array;
}

function sign(payload: Record<string, unknown>, { alg = 'RS256', kid = 'k1', key = rsa.privateKey }: Signing = {}) {
  return new SignJWT(payload).setProtectedHeader({ alg, ...(kid !== '' && { kid }) }).sign(key);
}

describe('a token of an issuer', () => {
  const alice = {
    user: {
      name: 'p:alice',
      uid: 'U',
      groups: ['g:r1', 'g:r2'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=J1'], 'example.com/foo': ['bar'] },
    },
    audiences: own,
  };

  it('says who its bearer is, by the mappings', async () => {
    const jwt = authenticator(first());
    for (const signing of [{}, { kid: '' }, { alg: 'ES256', kid: 'k2', key: ec.privateKey }])
      expect(await jwt.authenticateToken(await sign(claims(), signing))).toMatchObject(alice);
    expect(await jwt.authenticateToken(await sign(claims({ aud: ['x', 'aud2'] })))).toMatchObject(alice);
    expect(await jwt.authenticateToken(await sign(claims()), own)).toMatchObject(alice);
    expect(await jwt.authenticateToken(await sign(claims()), ['aud1'])).toBeUndefined();
    expect(await jwt.authenticateToken(await sign(claims({ iss: 'https://zz' })))).toBeUndefined();
    expect(asked).toEqual(['/.well-known/openid-configuration', '/keys']);
    const groupsOf = async (roles: unknown) =>
      (await jwt.authenticateToken(await sign(claims({ roles }))))?.user.groups;
    expect(await groupsOf('one')).toEqual(['g:one']);
    expect(await groupsOf(undefined)).toEqual([]);
    expect(await groupsOf([])).toEqual([]);
    const extraOf = async (foo: unknown) => (await jwt.authenticateToken(await sign(claims({ foo }))))?.user.extra;
    expect(await extraOf(['a', 'b'])).toMatchObject({ 'example.com/foo': ['a', 'b'] });
    expect(await extraOf('')).toEqual({ 'authentication.kubernetes.io/credential-id': ['JTI=J1'] });
    const other = authenticator(second());
    expect((await other.authenticateToken(await sign(claims())))?.user).toMatchObject({
      name: 'bob:x',
      groups: ['r1', 'r2'],
    });
    expect((await other.authenticateToken(await sign(claims({ roles: 'x' }))))?.user.groups).toEqual(['x']);
  });

  const unsupported = (alg: string) =>
    'oidc: verify token: oidc: id token signed with unsupported algorithm, expected ["ES256" "ES384" "ES512" "PS256" ' +
    `"PS384" "PS512" "RS256" "RS384" "RS512"] got "${alg}"`;
  const unsigned = 'oidc: verify token: failed to verify signature: failed to verify id token signature';
  const wrong: [string, object, Signing, string][] = [
    ['an unknown key', {}, { kid: 'zz' }, unsigned],
    ['another key', {}, { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey }, unsigned],
    ['an algorithm that is not allowed', {}, { alg: 'EdDSA', kid: 'k3', key: ed.privateKey }, unsupported('EdDSA')],
    ['a shared secret', {}, { alg: 'HS256', key: new Uint8Array(32) }, unsupported('HS256')],
    [
      'its end',
      { exp: 1795262400 - 10 },
      {},
      'oidc: verify token: oidc: token is expired (Token Expiry: 2026-11-21 11:59:50 +0000 UTC)',
    ],
    [
      'no end',
      { exp: undefined },
      {},
      'oidc: verify token: oidc: token is expired (Token Expiry: 0001-01-01 00:00:00 +0000 UTC)',
    ],
    [
      'a later beginning',
      { nbf: 1795262400 + 200 },
      {},
      'oidc: verify token: oidc: current time 2026-11-21 12:00:00 +0000 UTC before the nbf (not before) time: 2026-11-21 12:03:20 +0000 UTC',
    ],
    [
      'others to read it',
      { aud: ['x'] },
      {},
      'oidc: verify token: oidc: expected audience in ["aud1" "aud2"] got ["x"]',
    ],
    [
      'nobody to read it',
      { aud: undefined },
      {},
      'oidc: verify token: oidc: expected audience in ["aud1" "aud2"] got []',
    ],
    [
      'a claim of another value',
      { hd: 'zz' },
      {},
      'oidc: required claim hd value does not match. Got = zz, want = example',
    ],
    ['a claim missing', { hd: undefined }, {}, 'oidc: required claim hd not present in ID token'],
    [
      'a claim of another type',
      { hd: 5 },
      {},
      'oidc: parse claim hd: json: cannot unmarshal number into Go value of type string',
    ],
    [
      'a rule broken',
      { exp: 1795262400 + 100_000 },
      {},
      "oidc: error evaluating claim validation expression: validation expression 'claims.exp - claims.iat <= 86400' failed: too long",
    ],
    [
      'a user that must not be',
      { sub: 'system:x' },
      {},
      "oidc: error evaluating user info validation rule: validation expression '!user.username.startsWith('p:system:')' failed: no system users",
    ],
    ['no name', { sub: undefined }, {}, 'oidc: parse username claims "sub": claim not present'],
    [
      'groups of numbers',
      { roles: [1] },
      {},
      'oidc: parse groups claim "roles": json: cannot unmarshal array into Go value of type string',
    ],
    ['no uid', { uid: undefined }, {}, 'oidc: parse uid claim "uid": claim not present'],
    [
      'a number as uid',
      { uid: 7 },
      {},
      'oidc: parse uid claim "uid": json: cannot unmarshal number into Go value of type string',
    ],
    [
      'nothing for an expression',
      { foo: undefined },
      {},
      "expression 'claims.foo' resulted in error: no such key: foo",
    ],
  ];
  it.each(wrong)('is not taken with %s', async (_what, change, signing, message) => {
    const token = await sign(claims(change), signing);
    await expect(authenticator(first()).authenticateToken(token)).rejects.toThrow(new Error(message));
  });

  const byExpression: [object, string][] = [
    [
      { roles: undefined },
      "oidc: error evaluating group claim expression: expression 'claims.roles' resulted in error: no such key: roles",
    ],
    [
      { username: undefined },
      "oidc: error evaluating username claim expression: expression 'claims.username + ':x'' resulted in error: no such key: username",
    ],
    [
      { roles: [1] },
      'oidc: error evaluating group claim expression: expression must return a string or a list of strings',
    ],
  ];
  it.each(byExpression)('is not taken when an expression finds nothing in it: %o', async (change, message) => {
    const token = await sign(claims(change));
    await expect(authenticator(second()).authenticateToken(token)).rejects.toThrow(new Error(message));
  });

  it('is not taken without a signature', async () => {
    const [header, payload] = [{ alg: 'none' }, claims()].map((each) =>
      Buffer.from(JSON.stringify(each)).toString('base64url'),
    );
    await expect(authenticator(first()).authenticateToken(`${header}.${payload}.`)).rejects.toThrow(
      unsupported('none'),
    );
  });
});

describe('the keys of an issuer', () => {
  it('are looked up anew for a token by another, but not at the will of who sends tokens', async () => {
    const at = new FakeClock(clock.now());
    const jwt = authenticator(first(), at);
    expect(await jwt.authenticateToken(await sign(claims()))).toBeDefined();
    const next = generateKeyPairSync('rsa', { modulusLength: 2048 });
    keys = [await jwk(next.publicKey, 'k9', 'RS256')];
    const token = await sign(claims(), { kid: 'k9', key: next.privateKey });
    await expect(jwt.authenticateToken(token)).rejects.toThrow('failed to verify signature');
    await at.advance(10_000);
    expect(await jwt.authenticateToken(token)).toBeDefined();
    for (let count = 0; count < 20; count++) {
      const unknown = await sign(claims(), { kid: `u${count}`, key: next.privateKey });
      await expect(jwt.authenticateToken(unknown)).rejects.toThrow('failed to verify signature');
    }
    expect(asked).toEqual(['/.well-known/openid-configuration', '/keys', '/keys']);
  });

  it('that were taken back count no longer than ten minutes', async () => {
    const at = new FakeClock(clock.now());
    const jwt = authenticator(first(), at);
    expect(await jwt.authenticateToken(await sign(claims()))).toBeDefined();
    keys = [];
    await at.advance(10 * 60_000);
    await expect(jwt.authenticateToken(await sign(claims()))).rejects.toThrow('failed to verify signature');
  });

  it('are not believed of one that calls itself otherwise, or shows a certificate of somebody else', async () => {
    named = 'https://evil.example';
    await expect(authenticator(first()).authenticateToken(await sign(claims()))).rejects.toThrow(
      `oidc: issuer did not match the issuer returned by provider, expected "${issuer}" got "https://evil.example"`,
    );
    named = undefined;
    const { ca: otherCa } = await openPki(undefined, { clock: systemClock });
    const options = { ...first(), issuer: { ...first().issuer, certificateAuthority: otherCa } };
    await expect(authenticator(options).authenticateToken(await sign(claims()))).rejects.toThrow(
      'oidc: authenticator not initialized',
    );
    expect(asked.filter((each) => each === '/keys')).toEqual([]);
  });
});

describe('the configuration', () => {
  const problem = (change: object) => {
    const found = JwtOptions.safeParse({ ...first(), ...change });
    return found.success ? undefined : found.error.issues[0]?.message;
  };

  it('is refused where it makes no sense', () => {
    expect(problem({ claimMappings: { username: { claim: 'sub' } } })).toBe(
      'prefix is required when claim is set. It can be set to ""',
    );
    expect(problem({ claimMappings: { username: { claim: 'sub', prefix: '', expression: 'x' } } })).toBe(
      "claim and expression can't both be set",
    );
    expect(problem({ claimMappings: { username: {} } })).toBe('claim or expression is required');
    expect(problem({ issuer: { ...first().issuer, audienceMatchPolicy: undefined } })).toBe(
      'audienceMatchPolicy must be set to MatchAny for multiple audiences',
    );
    expect(problem({ issuer: { ...first().issuer, url: 'http://a' } })).toMatch('https');
    expect(problem({ claimValidationRules: [{ claim: 'a', expression: 'b' }] })).toBe(
      "claim and expression can't both be set",
    );
    expect(AllJwtOptions.safeParse([first(), first()]).success).toBe(false);
    expect(() => authenticator({ ...first(), userValidationRules: [{ expression: 'nonsense(' }] })).toThrow(
      'compilation failed: ERROR: <input>:1:',
    );
  });
});

import { createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { type AddressInfo, connect as connectPlain } from 'node:net';
import { ClusterRole, ClusterRoleBinding, Pod, Secret, ServiceAccount, systemClock } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type KeyPair, openPki, type Pki } from '../pki/index.ts';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';
import { StaticTokens } from './static-tokens.ts';

/** Each test is an attack on who is asking, over a real TLS connection; the answers are those of the real server. */

const issuer = 'https://kubernetes.default.svc.cluster.local';
const namespace = 'default';
const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const Answer = z.looseObject({
  message: z.string().optional(),
  status: z
    .union([z.string(), z.looseObject({ userInfo: z.looseObject({ username: z.string() }).optional() })])
    .optional(),
});

let server: TestApiServer;
let pki: Pki;
let uid: string;
const seconds = () => Math.floor(systemClock.now() / 1000);

beforeAll(async () => {
  const others = [new StaticTokens('static-token,static-user,7,"g1,g2"', () => [issuer])];
  server = await startTestApiServer({ socket: true, authentication: { otherTokens: others } });
  if (!server.pki) throw new Error('the test server has no socket');
  pki = server.pki;
  uid = (await server.client.create(ServiceAccount, { metadata: { name: 'bot', namespace } })).metadata.uid ?? '';
});
afterAll(() => server.stop());

interface Sent {
  readonly path?: string;
  readonly method?: string;
  /** Name and value by turns, as they go over the wire. */
  readonly headers?: readonly string[];
  readonly identity?: KeyPair;
  /** What the client calls the server. */
  readonly host?: string;
}

interface Got {
  readonly code: number;
  readonly user: string | undefined;
  readonly message: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** By default asks who one is; over HTTP/1.1, which carries what an attacker writes. */
function send({ path = review, method = 'POST', headers = [], identity, host }: Sent): Promise<Got> {
  const { listening } = server;
  const url = new URL(path, listening?.url);
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method,
      ca: pki.ca,
      agent: false,
      ...(identity && { cert: identity.certificate, key: identity.key }),
      headers: [
        'Host',
        host ?? url.host,
        'Content-Type',
        'application/json',
        'Content-Length',
        method === 'POST' ? '2' : '0',
        ...headers,
      ],
    });
    asked.once('error', reject);
    asked.once('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.once('end', () => {
        const parsed = text.startsWith('{') ? Answer.parse(JSON.parse(text)) : undefined;
        const status = typeof parsed?.status === 'object' ? parsed.status : undefined;
        const user = status?.userInfo?.username;
        resolve({ code: answer.statusCode ?? 0, user, message: parsed?.message, headers: answer.headers, text });
      });
    });
    asked.end(method === 'POST' ? '{}' : undefined);
  });
}

const bearer = (token: string) => ['Authorization', `Bearer ${token}`];
const issue = (spec: object = {}) => server.tokens.issue({ namespace, name: 'bot', uid, ...spec });

function claims(change: object = {}): Record<string, unknown> {
  const now = seconds();
  return {
    iss: issuer,
    aud: [issuer],
    exp: now + 3600,
    iat: now,
    nbf: now,
    sub: `system:serviceaccount:${namespace}:bot`,
    'kubernetes.io': { namespace, serviceaccount: { name: 'bot', uid } },
    ...change,
  };
}

async function signed(payload: Record<string, unknown>, key = pki.serviceAccountKey.privateKey): Promise<string> {
  const [first] = (await server.tokens.jwks()).keys;
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: first?.kid ?? '' }).sign(key);
}

async function refused(token: string): Promise<void> {
  expect(await send({ headers: bearer(token) })).toMatchObject({ code: 401, message: 'Unauthorized', user: undefined });
}

describe('tokens', () => {
  it('are needed, but for probes', async () => {
    for (const path of ['/api', '/version', '/metrics', '/apis', '/openapi/v2', '/livez/ping', '/api/v1/secrets'])
      expect(await send({ method: 'GET', path })).toMatchObject({ code: 401, message: 'Unauthorized' });
    for (const path of ['/livez', '/readyz', '/healthz?verbose'])
      expect(await send({ method: 'GET', path })).toMatchObject({ code: 200 });
    expect(await send({ headers: ['Authorization', 'Basic YTpi'] })).toMatchObject({ code: 401 });
  });

  it('are good when they are', async () => {
    const { token } = await issue();
    expect(await send({ headers: bearer(token) })).toMatchObject({
      code: 201,
      user: 'system:serviceaccount:default:bot',
    });
    expect((await send({ headers: bearer(await signed(claims())) })).code).toBe(201);
  });

  it('for somebody else are not taken', async () => {
    await refused((await issue({ audiences: ['vault'] })).token);
  });

  it('that have expired are not taken', async () => {
    const now = seconds();
    await refused(await signed(claims({ exp: now - 61, iat: now - 4000, nbf: now - 4000 })));
  });

  it('that are not valid yet are not taken', async () => {
    const now = seconds();
    await refused(await signed(claims({ nbf: now + 90 })));
    await refused(await signed(claims({ iat: now + 90 })));
  });

  it('that another key has signed are not taken, whatever key they name', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    await refused(await signed(claims(), other));
    await refused(await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256' }).sign(other));
    await refused(await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: 'unknown' }).sign(other));
    const { x, y, crv, kty } = createPublicKey(other).export({ format: 'jwk' });
    const jwk = { ...(x && { x }), ...(y && { y }), ...(crv && { crv }), ...(kty && { kty }) };
    await refused(await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', jwk }).sign(other));
  });

  it('without a signature are not taken', async () => {
    const payload = Buffer.from(JSON.stringify(claims())).toString('base64url');
    for (const alg of ['none', 'None', 'NONE', '']) {
      const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');
      await refused(`${header}.${payload}.`);
      await refused(`${header}.${payload}.AAAA`);
    }
  });

  it('whose secret is the public key are not taken', async () => {
    const { publicKey } = pki.serviceAccountKey;
    for (const secret of [
      publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(publicKey.export({ format: 'jwk' })),
    ]) {
      const [first] = (await server.tokens.jwks()).keys;
      const key = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
      await refused(await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: first?.kid ?? '' }).sign(key));
    }
  });

  it('that were changed after they were signed are not taken', async () => {
    const [header = '', , signature = ''] = (await issue()).token.split('.');
    const changed = claims({ 'kubernetes.io': { namespace: 'kube-system', serviceaccount: { name: 'bot', uid } } });
    await refused(`${header}.${Buffer.from(JSON.stringify(changed)).toString('base64url')}.${signature}`);
    const { token } = await issue();
    await refused(`${token}AAAA`);
    await refused(token.slice(0, -8));
  });

  it('of an account that was deleted are not taken, from the moment on', async () => {
    const metadata = { name: 'gone', namespace };
    const account = await server.client.create(ServiceAccount, { metadata });
    const { token } = await server.tokens.issue({ ...metadata, uid: account.metadata.uid ?? '' });
    expect((await send({ headers: bearer(token) })).code).toBe(201);
    await server.client.delete(ServiceAccount, metadata);
    await refused(token);
    await server.client.create(ServiceAccount, { metadata });
    await refused(token);
  });

  it('of a pod and of a Secret that were deleted are not taken, from the moment on', async () => {
    const pod = { name: 'worker', namespace };
    const spec = { serviceAccountName: 'bot', containers: [{ name: 'c', image: 'i' }], nodeName: 'n' };
    const made = await server.client.create(Pod, { metadata: pod, spec });
    const boundPod = { kind: 'Pod', name: pod.name, uid: made.metadata.uid ?? '' };
    const ofPod = (await issue({ boundObject: boundPod })).token;
    const secret = { name: 'held', namespace };
    const held = await server.client.create(Secret, { metadata: secret });
    const ofSecret = (await issue({ boundObject: { kind: 'Secret', name: 'held', uid: held.metadata.uid ?? '' } }))
      .token;
    for (const token of [ofPod, ofSecret]) expect((await send({ headers: bearer(token) })).code).toBe(201);
    await server.client.delete(Pod, pod, { gracePeriodSeconds: 0 });
    await server.client.delete(Secret, secret);
    for (const token of [ofPod, ofSecret]) await refused(token);
  });

  it('count once: of two Authorization headers only the first is looked at', async () => {
    const good = bearer((await issue()).token);
    expect((await send({ headers: [...bearer('bad'), ...good] })).code).toBe(401);
    expect(await send({ headers: [...good, ...bearer('static-token')] })).toMatchObject({
      user: 'system:serviceaccount:default:bot',
    });
    expect((await send({ headers: ['Authorization', 'Basic x', ...good] })).code).toBe(401);
  });

  it('are looked for where they belong: with two spaces there is none, and a warning says so', async () => {
    const answer = await send({ method: 'GET', path: '/livez', headers: ['Authorization', 'Bearer  static-token'] });
    expect(answer).toMatchObject({ code: 200 });
    expect((await send({ headers: ['Authorization', 'Bearer  static-token'] })).code).toBe(401);
    expect((await send({ headers: ['Authorization', 'bearer static-token'] })).user).toBe('static-user');
    expect((await send({ headers: ['Authorization', 'Bearer static-token more'] })).user).toBe('static-user');
  });
});

describe('impersonation', () => {
  it('without leave is refused, whom and whatever it names', async () => {
    const good = bearer((await issue()).token);
    const user = 'User "system:serviceaccount:default:bot" cannot impersonate resource';
    const cases: [string[], string][] = [
      [
        ['Impersonate-User', 'kubernetes-admin'],
        `users "kubernetes-admin" is forbidden: ${user} "users" in API group "" at the cluster scope`,
      ],
      [
        ['Impersonate-User', 'system:serviceaccount:kube-system:x'],
        `serviceaccounts "x" is forbidden: ${user} "serviceaccounts" in API group "" in the namespace "kube-system"`,
      ],
      [
        ['Impersonate-User', 'system:node:n'],
        `users "system:node:n" is forbidden: ${user} "users" in API group "" at the cluster scope`,
      ],
    ];
    for (const [headers, message] of cases) {
      expect(await send({ headers: [...good, ...headers] })).toMatchObject({ code: 403, message });
    }
    expect(await send({ headers: [...good, 'Impersonate-Group', 'system:masters'] })).toMatchObject({
      code: 400,
      message: 'requested [{Group  system:masters    }] without impersonating a user',
    });
  });

  it('with leave for users only does not give groups, extra or uid', async () => {
    const name = 'impersonates-users';
    const rules = [{ apiGroups: [''], resources: ['users'], verbs: ['impersonate'] }];
    await server.client.create(ClusterRole, { metadata: { name }, rules });
    await server.client.create(ClusterRoleBinding, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: 'bot', namespace }],
    });
    const good = [...bearer((await issue()).token), 'Impersonate-User', 'joe'];
    await waitFor(async () => (await send({ headers: good })).user === 'joe');
    const denied = async (...headers: string[]) => (await send({ headers: [...good, ...headers] })).message;
    const by = 'is forbidden: User "system:serviceaccount:default:bot" cannot impersonate resource';
    expect(await denied('Impersonate-Group', 'system:masters')).toBe(
      `groups "system:masters" ${by} "groups" in API group "" at the cluster scope`,
    );
    expect(await denied('Impersonate-Group', '')).toBe(
      `groups is forbidden: User "system:serviceaccount:default:bot" cannot impersonate resource "groups" in API group "" at the cluster scope`,
    );
    expect(await denied('Impersonate-Uid', '7', 'Impersonate-Extra-Scopes', 'all')).toBe(
      `userextras.authentication.k8s.io "all" ${by} "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope`,
    );
    expect(await denied('impersonate-uid', '7')).toBe(
      `uids.authentication.k8s.io "7" ${by} "uids" in API group "authentication.k8s.io" at the cluster scope`,
    );
    // A second name is not looked at, and so is never who is asked about nor who it is.
    expect((await send({ headers: [...good, 'Impersonate-User', 'kubernetes-admin'] })).user).toBe('joe');
    // A comma is part of a name, not two names.
    expect(await denied('Impersonate-Group', 'a,system:masters')).toContain('groups "a,system:masters"');
  });

  it('is not found in names that only look alike', async () => {
    const identity = pki.admin;
    for (const name of ['Impersonate_User', 'X-Impersonate-User', 'Impersonate-Users'])
      expect((await send({ identity, headers: [name, 'joe'] })).user).toBe('kubernetes-admin');
  });
});

describe('headers of a front proxy', () => {
  const headers = ['X-Remote-User', 'kubernetes-admin', 'X-Remote-Group', 'system:masters'];

  it('count for nothing without the certificate of one', async () => {
    expect((await send({ headers })).code).toBe(401);
    expect((await send({ headers: [...headers, ...bearer('static-token')] })).user).toBe('static-user');
    const identity = await pki.issueClient({ commonName: 'joe' });
    expect((await send({ headers, identity })).user).toBe('joe');
    // The right name, signed by the authority of users.
    const alike = await pki.issueClient({ commonName: 'front-proxy-client' });
    expect((await send({ headers, identity: alike })).user).toBe('front-proxy-client');
  });

  it('count with it, and its certificate alone is nobody', async () => {
    const identity = pki.frontProxy.client;
    const remote = ['X-Remote-User', 'zoe', 'X-Remote-Group', 'a', 'X-Remote-Group', 'b,c', 'X-Remote-Uid', '9'];
    expect(await send({ headers: remote, identity })).toMatchObject({ code: 201, user: 'zoe' });
    expect((await send({ identity })).code).toBe(401);
    expect((await send({ headers: ['X_Remote_User', 'zoe'], identity })).code).toBe(401);
    expect((await send({ headers: ['X-Remote-User', '', 'X-Remote-Group', 'g'], identity })).code).toBe(401);
  });

  it('do not leave the server: what is behind a proxied request sees nobody else in them', async () => {
    const seen: string[][] = [];
    const backend = createServer((asked, answer) => {
      seen.push(asked.rawHeaders.map((each) => each.toLowerCase()));
      answer.end('ok');
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const { port } = backend.address() as AddressInfo;
    const pod = { name: 'behind', namespace };
    const spec = { containers: [{ name: 'c', image: 'i' }], nodeName: 'n', serviceAccountName: 'bot' };
    const made = await server.client.create(Pod, { metadata: pod, spec });
    const address = { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] };
    await server.client.updateStatus(Pod, { ...made, status: { phase: 'Running', ...address } });
    try {
      const path = `/api/v1/namespaces/${namespace}/pods/behind:${port}/proxy/`;
      const smuggled = [...headers, 'Impersonate-User', 'kubernetes-admin', 'Impersonate-Group', 'system:masters'];
      await send({
        method: 'GET',
        path,
        identity: pki.admin,
        headers: [...smuggled, 'Authorization', 'Bearer static-token'],
      });
      expect(seen.length).toBe(1);
      for (const each of seen)
        expect(each.filter((name) => /^(x-remote-|impersonate-|authorization)/.test(name))).toEqual([]);
    } finally {
      backend.close();
    }
  });
});

describe('client certificates', () => {
  it('of another authority are nobody', async () => {
    const other = await openPki(undefined, { clock: systemClock });
    expect((await send({ identity: other.admin })).code).toBe(401);
    // Another credential that is good counts all the same.
    expect((await send({ identity: other.admin, headers: bearer('static-token') })).user).toBe('static-user');
    // The one of the front proxy is no authority of users, nor the other way round.
    expect((await send({ identity: pki.frontProxy.client })).code).toBe(401);
  });

  it('that have expired, or are for servers only, are nobody', async () => {
    const now = seconds() * 1000;
    const day = 86_400_000;
    const expired = await certificate(['client auth'], now - 2 * day, now - day);
    const early = await certificate(['client auth'], now + day, now + 2 * day);
    const serving = await certificate(['server auth'], now - day, now + day);
    const good = await certificate(['client auth'], now - day, now + day);
    for (const identity of [expired, early, serving]) expect((await send({ identity })).code).toBe(401);
    expect((await send({ identity: good })).user).toBe('joe');
  });

  async function certificate(usages: readonly string[], notBefore: number, notAfter: number): Promise<KeyPair> {
    await import('reflect-metadata');
    const x509 = await import('@peculiar/x509');
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const csr = await x509.Pkcs10CertificateRequestGenerator.create(
      { name: 'CN=joe', keys, signingAlgorithm: algorithm },
      webcrypto,
    );
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    return {
      certificate: await pki.sign({ request: csr.toString('pem'), usages, notBefore, notAfter }),
      key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    };
  }

  it('are not needed to be told that plain HTTP is not spoken here', async () => {
    const { port = 0 } = server.listening ?? {};
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connectPlain(port, '127.0.0.1', () => socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'));
      let text = '';
      socket.on('data', (part) => {
        text += String(part);
      });
      socket.once('error', reject);
      socket.once('close', () => resolve(text));
    });
    expect(said).not.toContain('200');
  });
});

describe('issuer discovery', () => {
  it('leads to this server, whatever a client calls it', async () => {
    const { port } = server.listening ?? {};
    const path = '/.well-known/openid-configuration';
    const { token } = await issue();
    const answer = await send({
      method: 'GET',
      path,
      headers: [...bearer(token), 'X-Forwarded-Host', 'evil.example'],
      host: 'evil.example',
    });
    expect(answer).toMatchObject({ code: 200, headers: { 'cache-control': 'public, max-age=3600' } });
    expect(JSON.parse(answer.text)).toEqual({
      issuer,
      jwks_uri: `https://127.0.0.1:${port}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    });
    const keys = await send({ method: 'GET', path: '/openid/v1/jwks', headers: bearer(token) });
    expect(keys).toMatchObject({ code: 200, headers: { 'content-type': 'application/jwk-set+json' } });
    expect(keys.text).not.toContain('"d"');
    expect((await send({ method: 'GET', path })).code).toBe(401);
  });
});

describe('secrets', () => {
  it('are compared as digests, in constant time, one with each that is known', async () => {
    // What differs in the first character and what differs in the last are refused alike.
    for (const token of ['Xtatic-token', 'static-tokeX', 'static-toke', 'static-token-and-more']) await refused(token);
  });
});

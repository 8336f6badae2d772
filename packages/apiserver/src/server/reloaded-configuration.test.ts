import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { Agent, createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterRoleBinding, ConfigMap, type Logger, systemClock, systemRandom } from '@keelson/core';
import { FakeClock, silentLogger, waitFor } from '@keelson/core/testing';
import { exportJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KeyPair, kubeconfigYaml, openPki, type Pki } from '../pki/index.ts';
import { AuthenticationPluginOptions } from './authentication-options.ts';
import { ConfiguredAuthorizers } from './compose-authorization.ts';
import { ConfiguredTokens } from './configured-tokens.ts';
import { startTestApiServer, type TestApiServer } from './start-test-api-server.ts';

/** Files are real ones, and so are sockets; what is said of wrong files is what a kube-apiserver v1.35.4 said of them. */

let dir: string;
let at: Record<'tokens' | 'authentication' | 'authorization' | 'proxies' | 'hook', string>;
let server: TestApiServer;
let pki: Pki;
let others: Pki;
let peer: Server;
let peerUrl: string;
let peerAnswers = true;
let tokens: ConfiguredTokens;
let authorization: ConfiguredAuthorizers;
const clock = new FakeClock(systemClock.now());
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let log: string[] = [];
const logger: Logger = {
  ...silentLogger,
  error: (_message, fields) => log.push(String(fields?.['error'])),
  named: () => logger,
};

const head = (kind: string) => ({ apiVersion: 'apiserver.config.k8s.io/v1', kind });
const anonymous = { enabled: true, conditions: [{ path: '/livez' }] };
const authenticationFile = (rest: object = {}) => ({ ...head('AuthenticationConfiguration'), anonymous, ...rest });
const authorizationFile = (...authorizers: object[]) => ({ ...head('AuthorizationConfiguration'), authorizers });
const node = { type: 'Node', name: 'node' };
const rbac = { type: 'RBAC', name: 'rbac' };
const hook = (kubeConfigFile: string) => ({
  type: 'Webhook',
  name: 'hook',
  webhook: {
    timeout: '3s',
    subjectAccessReviewVersion: 'v1',
    failurePolicy: 'Deny',
    connectionInfo: { type: 'KubeConfigFile', kubeConfigFile },
  },
});
const issuers = (url: string) => ({
  jwt: [
    {
      issuer: { url, audiences: ['me'], certificateAuthority: others.ca },
      claimMappings: { username: { claim: 'sub', prefix: '' } },
    },
  ],
});

async function put(file: string, content: unknown): Promise<void> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

beforeAll(async () => {
  others = await openPki(undefined, { clock: systemClock });
  peer = createServer({ cert: others.server.certificate, key: others.server.key }, async (request, response) => {
    request.resume();
    const keys = [{ ...(await exportJWK(key.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }];
    const answers: Record<string, object> = {
      '/.well-known/openid-configuration': { issuer: peerUrl, jwks_uri: `${peerUrl}/keys` },
      '/keys': { keys },
      '/authorize?timeout=3s': { status: { allowed: true } },
    };
    const body = peerAnswers ? answers[request.url ?? ''] : undefined;
    response.statusCode = body ? 200 : 404;
    response.end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
  peerUrl = `https://127.0.0.1:${(peer.address() as AddressInfo).port}`;
  dir = await mkdtemp(join(tmpdir(), 'reload-'));
  const file = (name: string) => join(dir, name);
  at = {
    tokens: file('tokens'),
    authentication: file('authentication'),
    authorization: file('authorization'),
    proxies: file('proxies'),
    hook: file('hook'),
  };
  await put(at.tokens, 'first,ann,1');
  await put(at.authentication, authenticationFile());
  await put(at.authorization, authorizationFile(node, rbac));
  await put(at.hook, kubeconfigYaml({ server: `${peerUrl}/authorize`, ca: others.ca, credentials: others.admin }));
  await put(at.proxies, others.frontProxy.ca);
  tokens = new ConfiguredTokens({
    tokenFile: at.tokens,
    authentication: AuthenticationPluginOptions.parse({
      configurationFile: at.authentication,
      frontProxy: { clientCaFile: at.proxies },
    }),
  });
  authorization = new ConfiguredAuthorizers(at.authorization);
  const needs = { clock, random: systemRandom, logger };
  await Promise.all([tokens.open(needs), authorization.open(needs)]);
  server = await startTestApiServer({ socket: true, authentication: tokens.authentication, authorization });
  if (!server.pki) throw new Error('no certificates');
  pki = server.pki;
  await server.client.create(ClusterRoleBinding, {
    metadata: { name: 'ann' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'User', name: 'ann', apiGroup: 'rbac.authorization.k8s.io' }],
  });
});
afterAll(async () => {
  await server.stop();
  tokens.close();
  peer.close();
  peer.closeAllConnections();
  await rm(dir, { recursive: true });
});
beforeEach(() => {
  log = [];
  peerAnswers = true;
});

interface Sent {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly identity?: KeyPair;
  readonly agent?: Agent;
}

/** What a GET comes to; `/api/v1/pods` may be read by whoever may view. */
function ask(path: string, { token, headers = {}, identity, agent }: Sent = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(new URL(path, server.listening?.url), {
      ca: pki.ca,
      agent: agent ?? false,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(identity && { cert: identity.certificate, key: identity.key }),
    });
    sent.once('error', reject);
    sent.once('response', (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.end();
  });
}
const pods = '/api/v1/pods';

const metric = async (name: string): Promise<string> => {
  const text = await server.server.metrics.text();
  const lines = text.split('\n').filter((each) => each.startsWith(name));
  return lines.map((each) => each.replace(/apiserver_id_hash="sha256:[\da-f]{64}",?/, '')).join('\n');
};
const reloads = (of: 'authentication' | 'authorization') =>
  metric(`apiserver_${of}_config_controller_automatic_reloads_total`);

describe('static tokens', () => {
  it('count as they stand in the file now, those that were remembered too', async () => {
    expect(await ask(pods, { token: 'first' })).toBe(200);
    await put(at.tokens, 'second,ann,1\nthird,ben,2');
    await tokens.reload();
    expect(await ask(pods, { token: 'first' })).toBe(401);
    expect(await ask(pods, { token: 'second' })).toBe(200);
    expect(await ask(pods, { token: 'third' })).toBe(403);
    await put(at.tokens, 'fourth');
    await tokens.reload();
    expect(log).toEqual(['a token file must have at least 3 columns (token, user name, user uid), found 1']);
    expect(await ask(pods, { token: 'second' })).toBe(200);
  });
});

describe('an AuthenticationConfiguration', () => {
  const token = () =>
    new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(peerUrl)
      .setAudience('me')
      .setExpirationTime(Math.floor(clock.now() / 1000) + 3600)
      .sign(key.privateKey);

  it('lets in by the issuers that it names now', async () => {
    expect(await ask('/livez')).toBe(200);
    expect(await ask('/readyz')).toBe(401);
    expect(await ask(pods, { token: await token() })).toBe(401);
    const text = JSON.stringify(authenticationFile(issuers(peerUrl)));
    await put(at.authentication, text);
    await tokens.reload();
    const known = await token();
    expect(await ask(pods, { token: known })).toBe(200);
    expect(await reloads('authentication')).toMatch(/\{status="success"\} 1$/);
    const hash = createHash('sha256').update(text).digest('hex');
    const info = 'apiserver_authentication_config_controller_last_config_info';
    expect(await metric(info)).toBe(`${info}{hash="sha256:${hash}"} 1`);
    await put(at.authentication, authenticationFile());
    await tokens.reload();
    expect(await ask(pods, { token: known })).toBe(401);
  });

  it.each([
    ['', 'empty config data'],
    [{ ...authenticationFile(), foo: 1 }, 'strict decoding error: unknown field "foo"'],
    [
      { ...authenticationFile(), anonymous: { enabled: false } },
      'anonymous: Forbidden: changed from initial configuration file',
    ],
  ])('is not taken over: %j', async (content, why) => {
    await put(at.authentication, content);
    await tokens.reload();
    expect(log).toEqual([why]);
    expect(await ask('/livez')).toBe(200);
  });

  it('is not taken over before its issuers have answered', async () => {
    peerAnswers = false;
    await put(at.authentication, authenticationFile(issuers(peerUrl)));
    const begun = clock.now();
    await reloadedInTime();
    expect(log).toEqual([
      expect.stringMatching(
        `^oidc: authenticator for issuer "${peerUrl}" is not healthy: Get "${peerUrl}/.well-known/openid-configuration": `,
      ),
    ]);
    expect(clock.now() - begun).toBeGreaterThanOrEqual(60_000);
    expect(await ask(pods, { token: await token() })).toBe(401);
    peerAnswers = true;
    // So much time has gone by that the files may just be looked at by themselves: that has to end first.
    await reloadedInTime();
    expect(await ask(pods, { token: await token() })).toBe(200);
  });
});

/** Looks at the files while time goes by. */
async function reloadedInTime(): Promise<void> {
  let done = false;
  const reloading = tokens.reload().finally(() => {
    done = true;
  });
  await waitFor(async () => {
    await clock.advance(2_500);
    return done;
  });
  await reloading;
}

describe('an AuthorizationConfiguration', () => {
  const ben = { token: 'third' };

  it('decides by the authorizers that it names now', async () => {
    expect(await ask(pods, ben)).toBe(403);
    await put(at.authorization, authorizationFile(node, rbac, hook('hook')));
    await authorization.reload();
    expect(await ask(pods, ben)).toBe(200);
    await put(at.authorization, authorizationFile(rbac, node));
    await authorization.reload();
    expect(await ask(pods, ben)).toBe(403);
    expect(await reloads('authorization')).toMatch(/\{status="success"\} 2$/);
  });

  const loading = 'failed to load AuthorizationConfiguration from file: ';
  it.each([
    [authorizationFile(node), 'missing required types: [RBAC]'],
    [authorizationFile(node, { ...rbac, name: 'rbac2' }), 'expected name rbac for authorizer RBAC instead of rbac2'],
    [authorizationFile(), 'authorizers: Required value: at least one authorization mode must be defined'],
    [
      authorizationFile(node, rbac, { type: 'Webhook', name: 'w', webhook: {} }),
      '[authorizers[2].timeout: Required value, authorizers[2].subjectAccessReviewVersion: Required value, authorizers[2].failurePolicy: Required value, authorizers[2].connectionInfo.type: Required value]',
    ],
    [
      authorizationFile(node, rbac, hook('/none')),
      expect.stringContaining(
        'authorizers[2].connectionInfo.kubeConfigFile: Invalid value: "/none": error loading file: ',
      ),
    ],
    [{ ...authorizationFile(node, rbac), x: 1 }, `${loading}strict decoding error: unknown field "x"`],
    [
      head('AuthenticationConfiguration'),
      `${loading}expected AuthorizationConfiguration, got AuthenticationConfiguration`,
    ],
    [
      { ...authorizationFile(node, rbac), apiVersion: 'apiserver.config.k8s.io/v9' },
      `${loading}no kind "AuthorizationConfiguration" is registered for version "apiserver.config.k8s.io/v9"`,
    ],
  ])('is not taken over: %j', async (content, why) => {
    await put(at.authorization, content);
    await authorization.reload();
    expect(log).toEqual([why]);
    expect(await ask(pods, ben)).toBe(403);
    expect(await ask(pods, { token: 'second' })).toBe(200);
  });
});

describe('the authority of front proxies', () => {
  it('is the one in the file now, for connections that are open too', async () => {
    const headers = { 'x-remote-user': 'ann' };
    const { client: identity } = others.frontProxy;
    const agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: pki.ca,
      cert: identity.certificate,
      key: identity.key,
    });
    expect(await ask(pods, { headers, agent })).toBe(200);
    expect(await ask(pods, { headers, identity: pki.frontProxy.client })).toBe(401);

    await put(at.proxies, pki.frontProxy.ca);
    await tokens.reload();
    expect(await ask(pods, { headers, agent })).toBe(401);
    expect(await ask(pods, { headers, identity })).toBe(401);
    expect(await ask(pods, { headers, identity: pki.frontProxy.client })).toBe(200);
    await waitFor(async () => {
      const where = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
      const { data } = await server.client.get(ConfigMap, where);
      return data?.['requestheader-client-ca-file'] === pki.frontProxy.ca;
    });

    await put(at.proxies, 'garbage');
    await tokens.reload();
    expect(log).toEqual(['data does not contain any valid RSA or ECDSA certificates']);
    expect(await ask(pods, { headers, identity: pki.frontProxy.client })).toBe(200);
    agent.destroy();
  });
});

import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  ConfigMap,
  EndpointSlice,
  Namespace,
  Service,
  systemClock,
  ValidatingWebhookConfiguration,
  type WebhookClientConfig,
} from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateRequest, makeCertificate } from '../../pki/index.ts';
import { advertised } from '../../server/api-server.ts';
import { startTestApiServer, type TestApiServer } from '../../server/index.ts';
import { strangeServer } from './play-scenarios.test-data.ts';
import { type TestWebhookServer, testWebhookServer } from './webhook-server.test-data.ts';

const hour = 3_600_000;

describe('the way to a webhook', () => {
  let server: TestApiServer;
  let webhooks: TestWebhookServer;
  let other: TestWebhookServer;
  let count = 0;

  beforeAll(async () => {
    server = await startTestApiServer();
    webhooks = await testWebhookServer(['wh.hooks.svc']);
    other = await testWebhookServer();
    await server.client.create(Namespace, { metadata: { name: 'hooks' }, spec: {} });
  });
  afterAll(async () => {
    await server.stop();
    webhooks.stop();
    other.stop();
  });

  /** What a client is told when a webhook is asked this way; undefined where it was let through. */
  async function told(clientConfig: WebhookClientConfig, timeoutSeconds = 2): Promise<string | undefined> {
    const { client } = server;
    const name = `c${++count}`;
    const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }];
    const webhook = { admissionReviewVersions: ['v1'], sideEffects: 'None', rules, timeoutSeconds, clientConfig };
    const objectSelector = { matchLabels: { asks: name } };
    await client.create(ValidatingWebhookConfiguration, {
      metadata: { name },
      webhooks: [
        // The second tells that the first is known by now.
        { name: 'way.keelson.dev', objectSelector, ...webhook },
        {
          name: 'probe.keelson.dev',
          objectSelector: { matchLabels: { probes: name } },
          ...webhook,
          clientConfig: { url: 'https://127.0.0.1:1/' },
        },
      ],
    });
    const create = (labels: Record<string, string>) =>
      client
        .create(ConfigMap, { metadata: { generateName: 'x-', namespace: 'hooks', labels } }, { dryRun: ['All'] })
        .then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
    await waitFor(async () => (await create({ probes: name })) !== undefined);
    const message = await create({ asks: name });
    await client.delete(ValidatingWebhookConfiguration, { name });
    return message
      ?.replace('Internal error occurred: failed calling webhook "way.keelson.dev": ', '')
      .replace(/:\d{4,5}\b/g, ':PORT');
  }

  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const url = () => `https://127.0.0.1:${webhooks.port}/v`;
  const failing = (why: string, shown = 'https://127.0.0.1:PORT/v') =>
    `failed to call webhook: Post "${shown}?timeout=2s": ${why}`;
  const unverified = (why: string, shown?: string) => failing(`tls: failed to verify certificate: x509: ${why}`, shown);

  it('trusts the bundle of the configuration and nobody else', async () => {
    const { caBundle } = webhooks;
    expect(await told({ url: url(), caBundle })).toBeUndefined();
    expect(await told({ url: url().replace('127.0.0.1', 'localhost'), caBundle })).toBeUndefined();
    const unknown = unverified('certificate signed by unknown authority');
    expect(await told({ url: url(), caBundle: other.caBundle })).toBe(unknown);
    expect(await told({ url: url() })).toBe(unknown);
    const unusable = (why: string) => `could not get REST client: unable to load root certificates: ${why}`;
    expect(await told({ url: url(), caBundle: base64('garbage') })).toBe(
      unusable('unable to parse bytes as PEM block'),
    );
    expect(await told({ url: url(), caBundle: base64(webhooks.authority.key) })).toBe(
      unusable('no valid certificate authority data seen'),
    );
  });

  it('wants certificates to be for the name that is called', async () => {
    const seen = async (host: string, request: Partial<CertificateRequest>) => {
      const now = systemClock.now();
      const life = { notBefore: now - 2 * hour, notAfter: now + hour };
      const subject = { commonName: '127.0.0.1' };
      const pair = await makeCertificate({ subject, usages: ['server'], ...life, ...request }, webhooks.authority);
      const server = createTls({ key: pair.key, cert: pair.certificate }, (_request, reply) => reply.end());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = server.address() as AddressInfo;
        return await told({ url: `https://${host}:${port}/v`, caBundle: webhooks.caBundle });
      } finally {
        server.closeAllConnections();
        server.close();
      }
    };
    const local = 'https://localhost:PORT/v';
    expect(await seen('127.0.0.1', {})).toBe(
      unverified('certificate relies on legacy Common Name field, use SANs instead'),
    );
    expect(await seen('127.0.0.1', { hosts: ['foo.bar'] })).toBe(
      unverified("cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"),
    );
    expect(await seen('localhost', { hosts: ['foo.bar', 'x.y', '10.0.0.1'] })).toBe(
      unverified('certificate is valid for foo.bar, x.y, not localhost', local),
    );
    expect(await seen('127.0.0.1', { hosts: ['foo.bar', '10.0.0.1'] })).toBe(
      unverified('certificate is valid for 10.0.0.1, not 127.0.0.1'),
    );
    expect(await seen('localhost', { hosts: ['*.bar'] })).toBe(
      unverified('certificate is valid for *.bar, not localhost', local),
    );
    expect(await seen('127.0.0.1', { hosts: ['127.0.0.1'], usages: ['client'] })).toBe(
      unverified('certificate specifies an incompatible key usage'),
    );
    const ended = { notBefore: systemClock.now() - 2 * hour, notAfter: systemClock.now() - hour };
    expect(await seen('127.0.0.1', { hosts: ['127.0.0.1'], ...ended })).toContain(
      'certificate has expired or is not yet valid: current time ',
    );
  });

  it('tells what is wrong on the way as Go does', async () => {
    const { caBundle } = webhooks;
    expect(await told({ url: 'https://127.0.0.1:1/v', caBundle })).toBe(
      'failed to call webhook: Post "https://127.0.0.1:1/v?timeout=2s": dial tcp 127.0.0.1:1: connect: connection refused',
    );
    expect(await told({ url: 'https://nosuch.invalid/v', caBundle })).toMatch(
      /Post "https:\/\/nosuch.invalid\/v\?timeout=2s": dial tcp: lookup nosuch.invalid.*: no such host$/,
    );
    for (const [kind, why] of [
      ['http', 'http: server gave HTTP response to HTTPS client'],
      ['closing', 'EOF'],
      ['silent', 'context deadline exceeded'],
    ] as const) {
      const strange = await strangeServer(kind);
      const { port } = strange.address() as AddressInfo;
      expect(await told({ url: `https://127.0.0.1:${port}/v`, caBundle })).toBe(failing(why));
      strange.close();
    }
  });

  it('finds Services by their endpoints', async () => {
    const { client } = server;
    const { caBundle } = webhooks;
    const service = (name: string, port?: number, path?: string): WebhookClientConfig => ({
      service: { name, namespace: 'hooks', ...(port && { port }), ...(path && { path }) },
      caBundle,
    });
    const none = (name: string, why: string) => failing(why, `https://${name}`);
    expect(await told(service('nosvc', undefined, '/p'))).toBe(
      none('nosvc.hooks.svc:443/p', 'service "nosvc" not found'),
    );
    await client.create(Service, {
      metadata: { name: 'wh', namespace: 'hooks' },
      spec: { ports: [{ name: 'x', port: 443 }] },
    });
    await client.create(Service, {
      metadata: { name: 'out', namespace: 'hooks' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    expect(await told(service('out'))).toBe(none('out.hooks.svc:443/', 'unsupported service type "ExternalName"'));
    expect(await told(service('wh', 4))).toBe(none('wh.hooks.svc:4/', 'no service port 4 found for service "wh"'));
    const empty = none('wh.hooks.svc:443/', 'no endpoints available for service "wh"');
    expect(await told(service('wh'))).toBe(empty);
    const slice = (name: string, host: string, ready: boolean) =>
      client.create(EndpointSlice, {
        metadata: { name, namespace: 'hooks', labels: { 'kubernetes.io/service-name': 'wh' } },
        addressType: 'IPv4',
        ports: [{ name: 'x', port: webhooks.port }],
        endpoints: [{ addresses: [host], conditions: { ready } }],
      });
    await slice('a', '10.1.2.3', false);
    expect(await told(service('wh'))).toBe(empty);
    // Endpoints may not lie on loopback.
    const host = advertised('0.0.0.0');
    if (host === '127.0.0.1') return;
    await slice('b', host, true);
    webhooks.seen.length = 0;
    expect(await told(service('wh', 443, '/by/service'))).toBeUndefined();
    expect(webhooks.seen.map(({ path, raw }) => [path, raw.headers.host])).toContainEqual([
      '/by/service?timeout=2s',
      'wh.hooks.svc:443',
    ]);
  });

  it('uses connections again, and does not go where it is sent', async () => {
    const { caBundle } = webhooks;
    const ports = new Set<number | undefined>();
    webhooks.handle('/v', () => ({ allowed: true }));
    webhooks.handle('/moved', (_request, reply) => {
      reply.writeHead(307, { location: `https://127.0.0.1:${webhooks.port}/v` });
      reply.end();
      return undefined;
    });
    const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }];
    await server.client.create(ValidatingWebhookConfiguration, {
      metadata: { name: 'again' },
      webhooks: [
        {
          name: 'again.keelson.dev',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          rules,
          objectSelector: { matchLabels: { again: 'yes' } },
          clientConfig: { url: url(), caBundle },
        },
      ],
    });
    const create = () =>
      server.client.create(
        ConfigMap,
        { metadata: { generateName: 'a-', namespace: 'hooks', labels: { again: 'yes' } } },
        { dryRun: ['All'] },
      );
    await waitFor(async () => {
      webhooks.seen.length = 0;
      await create();
      return webhooks.seen.length > 0;
    });
    webhooks.seen.length = 0;
    for (let each = 0; each < 5; each++) await create();
    for (const { raw } of webhooks.seen) ports.add(raw.socket.remotePort);
    expect(webhooks.seen).toHaveLength(5);
    expect(ports.size).toBe(1);
    expect(await told({ url: url().replace('/v', '/moved'), caBundle })).toBe(
      'failed to call webhook: the server responded with the status code 307 but did not return more information',
    );
  });
});

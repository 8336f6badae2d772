import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { Secret, type WebhookClientConfig } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import type { ClientConfigAt } from '../crd/index.ts';
import { systemClock } from '../machinery/index.ts';
import { FakeClock, silentLogger, waitFor } from '../testing/index.ts';
import { CertificatesInMemory, CertificatesInSecret, nextCertificates } from './webhook-certificates.ts';
import { WebhookHost } from './webhook-host.ts';

const day = 86_400_000;
const { signal } = new AbortController();
const caOf = ({ caBundle = '' }: WebhookClientConfig) => Buffer.from(caBundle, 'base64').toString();

/** What an API server does: POST, trusting nobody but the authority that it was told. */
function post(config: WebhookClientConfig, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(config.url ?? '', { method: 'POST', ca: caOf(config), agent: false }, async (answer) => {
      let text = '';
      for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
      resolve(text);
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

/** The serial number of the certificate that is shown, to somebody who trusts these authorities. */
function serialShown(config: WebhookClientConfig): Promise<string> {
  const { hostname, port } = new URL(config.url ?? '');
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ca: caOf(config) }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe('WebhookHost', () => {
  let host: WebhookHost | undefined;
  afterEach(() => host?.stop(AbortSignal.abort()));
  const open = (now = () => systemClock.now(), clock = new FakeClock()) => {
    const store = new CertificatesInMemory(now);
    host = new WebhookHost({ store, clock, logger: silentLogger, listen: { host: '127.0.0.1', port: 0 } });
    return { host, clock };
  };

  it('serves several webhooks by one port, from the first on', async () => {
    const { host } = open();
    const told: WebhookClientConfig[] = [];
    const tell = (path: string) => async (at: ClientConfigAt) => void told.push(at(path));
    await host.serve({ '/a': async (text) => `a ${text}` }, tell('/a'), signal);
    await host.serve({ '/b': async (text) => `b ${text}` }, tell('/b'), signal);
    const [a, b] = told;
    expect(new URL(a?.url ?? '').host).toBe(new URL(b?.url ?? '').host);
    expect(await post(a ?? {}, 'x')).toBe('a x');
    expect(await post(b ?? {}, 'y')).toBe('b y');
    // A review is over when its connection has seen the answer out.
    const counted = () => host.series.text().match(/^[a-z_]+(total|flight|count).*$/gm);
    await expect
      .poll(counted, { timeout: 20_000 })
      .toEqual([
        'controller_runtime_webhook_latency_seconds_count{webhook="/a"} 1',
        'controller_runtime_webhook_latency_seconds_count{webhook="/b"} 1',
        'controller_runtime_webhook_requests_total{webhook="/a",code="200"} 1',
        'controller_runtime_webhook_requests_total{webhook="/a",code="500"} 0',
        'controller_runtime_webhook_requests_total{webhook="/b",code="200"} 1',
        'controller_runtime_webhook_requests_total{webhook="/b",code="500"} 0',
        'controller_runtime_webhook_requests_in_flight{webhook="/a"} 0',
        'controller_runtime_webhook_requests_in_flight{webhook="/b"} 0',
      ]);
    await expect(host.serve({ '/a': async () => '' }, tell('/a'), signal)).rejects.toThrow(
      'there is a webhook at /a already',
    );
  });

  it('renews before the certificate ends, and is trusted at every moment', async () => {
    let passed = 0;
    const { host, clock } = open(() => systemClock.now() + passed);
    const told: WebhookClientConfig[] = [];
    await host.serve({ '/a': async () => 'ok' }, async (at) => void told.push(at('/a')), signal);
    const [first = {}] = told;
    const before = await serialShown(first);
    passed = 61 * day;
    await clock.advance(61 * day);
    await waitFor(() => told.length === 2, { timeoutMs: 30_000 });
    const [, second = {}] = told;
    // Told of the new authority already, servers still see the old certificate.
    expect(caOf(second).match(/BEGIN/g)).toHaveLength(2);
    expect(caOf(second)).toContain(caOf(first));
    expect(await serialShown(second)).toBe(before);
    await clock.advance(10_000);
    const [newest = '', old = ''] = host.authorities;
    expect(old).toBe(caOf(first));
    // Of the future by the machine's clock: shown it is, trusted not yet.
    await expect(serialShown(second)).rejects.toMatchObject({ code: 'CERT_NOT_YET_VALID' });
    expect(new X509Certificate(newest).ca).toBe(true);
  });

  it('shows the new certificate only when everybody has been told, however often that fails', async () => {
    let passed = 0;
    const { host, clock } = open(() => systemClock.now() + passed);
    const told: WebhookClientConfig[] = [];
    let away = false;
    const tell = async (at: ClientConfigAt) => {
      if (away) throw new Error('the server is away');
      told.push(at('/a'));
    };
    await host.serve({ '/a': async () => 'ok' }, tell, signal);
    const before = await serialShown(told[0] ?? {});
    away = true;
    passed = 61 * day;
    await clock.advance(61 * day);
    await waitFor(() => host.authorities.length === 2, { timeoutMs: 30_000 });
    away = false;
    const again = async () => {
      await clock.advance(1_000);
      return told.length === 2;
    };
    await waitFor(again, { timeoutMs: 30_000 });
    expect(await serialShown(told[1] ?? {})).toBe(before);
    await clock.advance(10_000);
    await expect(serialShown(told[1] ?? {})).rejects.toMatchObject({ code: 'CERT_NOT_YET_VALID' });
  });

  it('is found behind a Service or a URL', async () => {
    for (const [reach, expected] of [
      [
        { service: { name: 'op', namespace: 'ns', port: 443 } },
        { service: { name: 'op', namespace: 'ns', port: 443, path: '/a' } },
      ],
      [{ url: 'https://operator.example.com:9443/' }, { url: 'https://operator.example.com:9443/a' }],
    ] as const) {
      const store = new CertificatesInMemory(() => systemClock.now());
      const listen = { host: '127.0.0.1', port: 0 };
      host = new WebhookHost({ store, clock: new FakeClock(), logger: silentLogger, listen, reach });
      const told: WebhookClientConfig[] = [];
      await host.serve({ '/a': async () => '' }, async (at) => void told.push(at('/a')), signal);
      expect(told).toEqual([{ ...expected, caBundle: expect.any(String) }]);
      await host.stop(AbortSignal.abort());
    }
  });
});

describe('certificates in a Secret', () => {
  const hosts = ['op.ns.svc'];
  const ref = { name: 'op-certificate', namespace: 'ns' };
  const open = () => {
    const client = createClient(new ModelApi());
    let now = systemClock.now();
    const store = () => new CertificatesInSecret(client, ref, () => now);
    const pass = (ms: number) => {
      now += ms;
    };
    return { client, store, pass };
  };

  it('are the same for all that share them, also where they come at once', async () => {
    const { client, store } = open();
    const all = await Promise.all([store(), store(), store()].map((each) => each.current(hosts, signal)));
    expect(new Set(all.map(({ server }) => server.certificate)).size).toBe(1);
    const secret = await client.get(Secret, ref);
    expect(secret.type).toBe('kubernetes.io/tls');
    expect(Object.keys(secret.data ?? {})).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
    expect(Buffer.from(secret.data?.['ca.crt'] ?? '', 'base64').toString()).not.toContain('PRIVATE');
    const [first] = all;
    expect(new X509Certificate(first?.server.certificate ?? '').checkHost('op.ns.svc')).toBe('op.ns.svc');
  });

  it('are renewed once, with the last authority beside the new one', async () => {
    const { store, pass } = open();
    const first = await store().current(hosts, signal);
    pass(50 * day);
    expect(await store().current(hosts, signal)).toEqual(first);
    pass(15 * day);
    const [one, other] = await Promise.all([store().current(hosts, signal), store().current(hosts, signal)]);
    expect(one).toEqual(other);
    expect(one?.authorities).toHaveLength(2);
    expect(one?.authorities[1]?.trim()).toBe(first.authorities[0]?.trim());
    pass(400 * day);
    expect((await store().current(hosts, signal)).authorities).toHaveLength(1);
  });

  it('are made anew where somebody put something else, or for other names', async () => {
    const { client, store } = open();
    await client.create(Secret, { metadata: ref, data: { 'tls.crt': 'eA==' } });
    const first = await store().current(hosts, signal);
    expect(first.server.certificate).toContain('BEGIN CERTIFICATE');
    const second = await store().current(['other.ns.svc'], signal);
    expect(second.server.certificate).not.toBe(first.server.certificate);
  });

  it('are signed by an authority whose key nobody has', async () => {
    const { authorities, server } = await nextCertificates(hosts, systemClock.now());
    const [authority = ''] = authorities;
    const [leaf, signer] = [new X509Certificate(server.certificate), new X509Certificate(authority)];
    expect(leaf.checkIssued(signer)).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(server.key).toContain('PRIVATE KEY');
  });
});

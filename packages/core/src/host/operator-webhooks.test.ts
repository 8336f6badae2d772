import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap, MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from '../api/index.ts';
import { Clients, createClient } from '../client/index.ts';
import { defineOperator, Webhooks } from '../crd/index.ts';
import { StatusError, systemClock } from '../machinery/index.ts';
import { all, definePlugin, HealthChecks, Lifecycles, type Plugin } from '../plugin/index.ts';
import { FakeClock, silentLogger, waitFor } from '../testing/index.ts';
import { createHost, type Host } from './create-host.ts';
import { informersPlugin } from './informers-plugin.ts';
import type { AnyPlugin } from './select-plugins.ts';
import { CertificatesInFiles, CertificatesInMemory, nextCertificates } from './webhook-certificates.ts';
import { WebhookHost } from './webhook-host.ts';
import { webhooksPlugin } from './webhooks-plugin.ts';

const day = 86_400_000;
const { signal } = new AbortController();
const operator = defineOperator({
  name: 'maps',
  for: ConfigMap,
  validate: () => undefined,
  mutate: () => undefined,
});
const ref = { name: 'maps.keelson.dev' };
const authoritiesIn = (caBundle: string | undefined) =>
  Buffer.from(caBundle ?? '', 'base64')
    .toString()
    .match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n?/g) ?? [];

describe('the webhooks of an operator', () => {
  const hosts: Host[] = [];
  afterEach(async () => {
    for (const each of hosts.splice(0)) await each.stop();
  });
  const hostOn = (api: ModelApi, webhooks: AnyPlugin | undefined, options = {}, clock = new FakeClock()) => {
    const clients = { as: () => createClient(api) };
    const connection = definePlugin({ name: 'connection', register: ({ provide }) => provide.value(Clients, clients) });
    const host = createHost({
      plugins: [
        connection as AnyPlugin,
        informersPlugin as AnyPlugin,
        ...(webhooks ? [webhooks] : []),
        operator as AnyPlugin,
      ],
      options: webhooks === (webhooksPlugin as AnyPlugin) ? { webhooks: options } : {},
      clock,
      logger: silentLogger,
    });
    hosts.push(host);
    return host;
  };
  const open = () => {
    const api = new ModelApi();
    const client = createClient(api);
    const configured = async () => [
      (await client.get(ValidatingWebhookConfiguration, ref)).webhooks?.[0]?.clientConfig,
      (await client.get(MutatingWebhookConfiguration, ref)).webhooks?.[0]?.clientConfig,
    ];
    return { api, client, configured };
  };

  it('are trusted by their old and their new authority before they show the new certificate', async () => {
    const { api, configured } = open();
    let passed = 0;
    const now = () => systemClock.now() + passed;
    const clock = new FakeClock();
    const served = new WebhookHost({
      store: new CertificatesInMemory(now),
      clock,
      logger: silentLogger,
      listen: { host: '127.0.0.1', port: 0 },
    });
    const plugin: Plugin<undefined> = definePlugin({
      name: 'own-webhooks',
      register({ provide }) {
        provide.value(Webhooks, served);
        provide.value(Lifecycles, served);
      },
    });
    await hostOn(api, plugin as AnyPlugin, {}, clock).start();
    const before = (await configured()).map((each) => authoritiesIn(each?.caBundle));
    expect(before.map((each) => each.length)).toEqual([1, 1]);
    passed = 61 * day;
    const two = async () => (await configured()).every((each) => authoritiesIn(each?.caBundle).length === 2);
    await clock.advance(61 * day);
    await waitFor(two, { timeoutMs: 20_000 });
    const [old = ''] = before[0] ?? [];
    expect(Date.parse(new X509Certificate(old).validTo)).toBeGreaterThan(now() + 28 * day);
    for (const each of await configured()) expect(authoritiesIn(each?.caBundle)[1]).toBe(old);
  });

  it('are served by every copy behind a Service, and their configurations stay', async () => {
    const { api, configured } = open();
    const options = { service: { name: 'maps', namespace: 'ns' }, host: '127.0.0.1', port: 0 };
    const [one, other] = [1, 2].map(() => hostOn(api, webhooksPlugin as AnyPlugin, options));
    await one?.start();
    const first = await configured();
    expect(first[0]).toMatchObject({ service: { name: 'maps', namespace: 'ns', path: '/validate/maps/validate' } });
    await other?.start();
    expect(await configured()).toEqual(first);
    await one?.stop();
    await other?.stop();
    expect(await configured()).toEqual(first);
  });

  it('go with the process that is found by its own URL, unless another one took its place', async () => {
    const { api, client, configured } = open();
    const [one, other] = [1, 2].map(() => hostOn(api, webhooksPlugin as AnyPlugin));
    await one?.start();
    await other?.start();
    const url = (await configured()).map((each) => each?.url);
    await one?.stop();
    expect((await configured()).map((each) => each?.url)).toEqual(url);
    await other?.stop();
    await expect(client.get(ValidatingWebhookConfiguration, ref)).rejects.toThrow('not found');
    await expect(client.get(MutatingWebhookConfiguration, ref)).rejects.toThrow('not found');
  });

  it('write nothing but the authority where manifests have installed them, and nothing for cert-manager', async () => {
    const { api, client } = open();
    const service = { name: 'maps', namespace: 'ns' };
    const options = { service, host: '127.0.0.1', port: 0, installedBy: 'manifests' };
    const missing = 'ValidatingWebhookConfiguration maps.keelson.dev is not that of these webhooks';
    await expect(hostOn(api, webhooksPlugin as AnyPlugin, options).start()).rejects.toThrow(missing);
    for (const type of [ValidatingWebhookConfiguration, MutatingWebhookConfiguration])
      await client.create(type, { metadata: ref, webhooks: [] });
    await hostOn(api, webhooksPlugin as AnyPlugin, options).start();
    expect(api.writes.at(-2)).toMatchObject({
      patchType: 'application/strategic-merge-patch+json',
      body: { webhooks: [{ name: 'validate.maps.keelson.dev', clientConfig: { caBundle: expect.any(String) } }] },
    });
    api.fault = ({ verb }) => {
      if (verb === 'patch') throw StatusError.of(422, 'Invalid', 'webhooks[0].rules: Required value');
    };
    await expect(hostOn(api, webhooksPlugin as AnyPlugin, options).start()).rejects.toThrow(
      'ValidatingWebhookConfiguration maps.keelson.dev is not that of these webhooks: apply the manifests of this version (webhooks[0].rules: Required value)',
    );
    const directory = await mkdtemp(join(tmpdir(), 'certificates-'));
    try {
      const { server } = await nextCertificates(['maps.ns.svc'], systemClock.now());
      await writeFile(join(directory, 'tls.crt'), server.certificate);
      await writeFile(join(directory, 'tls.key'), server.key, { mode: 0o600 });
      const own = { ...options, installedBy: 'cert-manager', certificateDirectory: directory };
      const writes = api.writes.length;
      await hostOn(api, webhooksPlugin as AnyPlugin, own).start();
      expect(api.writes.length).toBe(writes);
      const files = new CertificatesInFiles(directory);
      expect(await files.current([], signal)).toEqual({ authorities: [], server });
      const another = await nextCertificates(['maps.ns.svc'], systemClock.now());
      await writeFile(join(directory, 'tls.crt'), another.server.certificate);
      await expect(files.current([], signal)).rejects.toThrow('does not belong to the key there');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('are ready when they are served, and need somebody to serve them', async () => {
    const { api } = open();
    const host = hostOn(api, webhooksPlugin as AnyPlugin);
    const check = host.get(all(HealthChecks)).find((each) => each.name === 'webhooks-maps');
    expect(() => check?.check(signal)).toThrow('webhooks are not served yet');
    await host.start();
    expect(check?.check(signal)).toBeUndefined();
    await expect(hostOn(api, undefined).start()).rejects.toThrow(
      'maps has webhooks: the host needs webhooksPlugin to serve them',
    );
  });
});

import { request } from 'node:https';
import {
  type Client,
  ConfigMap,
  createClient,
  isStatusError,
  MutatingWebhookConfiguration,
  Namespace,
  systemClock,
  ValidatingWebhookConfiguration,
} from '@keelson/core';
import { admissionWebhook, allow, change, deny, WebhookServer } from '@keelson/core/admission';
import { httpTransport, loadKubeconfig } from '@keelson/core/client';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../pki/index.ts';
import { startTestApiServer, type TestApiServer } from '../../server/index.ts';

const hour = 3_600_000;
const namespace = `sdk-webhooks-${process.pid}`;
const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

const stampOwner = admissionWebhook(ConfigMap, ({ object, user }) =>
  object && !object.data?.['owner'] ? change({ ...object, data: { ...object.data, owner: user.name } }) : allow(),
);
const keepShort = admissionWebhook(ConfigMap, ({ operation, object, oldObject }) => {
  if (operation === 'DELETE') {
    return oldObject?.data?.['keep'] === 'yes' ? deny('it is kept', { code: 409, reason: 'Conflict' }) : allow();
  }
  const { text = '' } = object?.data ?? {};
  if (text.length > 10) return deny(`text is ${text.length} characters long, at most 10 may be`);
  return text.length > 5 ? allow({ warnings: ['text is rather long'] }) : allow();
});

let webhooks: WebhookServer;
let authority: Awaited<ReturnType<typeof makeCertificate>>;

beforeAll(async () => {
  const now = systemClock.now();
  const life = { notBefore: now - hour, notAfter: now + hour };
  authority = await makeCertificate({ subject: { commonName: 'sdk' }, usages: ['ca'], ...life });
  const pair = await makeCertificate(
    { subject: { commonName: 'webhook' }, hosts: ['127.0.0.1'], usages: ['server'], ...life },
    authority,
  );
  webhooks = new WebhookServer({
    certificate: { cert: pair.certificate, key: pair.key },
    webhooks: { '/stamp-owner': stampOwner, '/keep-short': keepShort },
    logger: silentLogger,
    host: '127.0.0.1',
    port: 0,
    longestReview: 100_000,
  });
  await webhooks.start();
});
afterAll(() => webhooks.stop());

/** What every Kubernetes makes of the same webhooks. */
function webhooksOf(connect: () => Promise<Client>): void {
  let client: Client;

  const hook = (path: string, operations: readonly string[]) => ({
    name: `${path}.sdk.keelson.dev`,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    rules: [{ operations: [...operations], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
    clientConfig: {
      url: `https://127.0.0.1:${webhooks.port}/${path}`,
      caBundle: Buffer.from(authority.certificate).toString('base64'),
    },
  });
  const create = (name: string, data: Readonly<Record<string, string>>, dryRun = false) =>
    client.create(ConfigMap, { metadata: { name, namespace }, data }, dryRun ? { dryRun: ['All'] } : {});

  beforeAll(async () => {
    client = await connect();
    await client.create(Namespace, { metadata: { name: namespace }, spec: {} });
    await client.create(MutatingWebhookConfiguration, {
      metadata: { name: namespace },
      webhooks: [hook('stamp-owner', ['CREATE'])],
    });
    await client.create(ValidatingWebhookConfiguration, {
      metadata: { name: namespace },
      webhooks: [hook('keep-short', ['CREATE', 'UPDATE', 'DELETE'])],
    });
    const long = { text: 'x'.repeat(11) };
    await waitFor(() =>
      create('probe', long, true).then(
        () => false,
        (error) => isStatusError(error, 'Forbidden'),
      ),
    );
    await waitFor(async () => (await create('probe', {}, true)).data?.['owner'] !== undefined);
  }, 20_000);
  afterAll(async () => {
    await client.delete(MutatingWebhookConfiguration, { name: namespace });
    await client.delete(ValidatingWebhookConfiguration, { name: namespace });
    await client.delete(Namespace, { name: namespace });
  });

  it('lets them change objects', async () => {
    const made = await create('a', { text: 'short' });
    expect(made.data).toEqual({ text: 'short', owner: expect.stringMatching(/admin/) });
    const own = await create('b', { owner: 'me' });
    expect(own.data).toEqual({ owner: 'me' });
  });

  it('lets them refuse', async () => {
    await expect(create('c', { text: 'x'.repeat(12) })).rejects.toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message:
        'admission webhook "keep-short.sdk.keelson.dev" denied the request: text is 12 characters long, at most 10 may be',
    });
    const kept = await create('d', { keep: 'yes' });
    await expect(client.delete(ConfigMap, kept.metadata)).rejects.toMatchObject({ code: 409, reason: 'Conflict' });
    await client.update(ConfigMap, { ...kept, data: { keep: 'no' } });
    await client.delete(ConfigMap, kept.metadata);
  });
}

describe('webhooks made with the SDK, asked by Keelson', () => {
  let server: TestApiServer;
  // The first to be registered is the last to be run.
  afterAll(() => server.stop());
  webhooksOf(async () => {
    server = await startTestApiServer();
    return server.client;
  });
});

describe.runIf(kubeconfig)('webhooks made with the SDK, asked by a real control plane', () => {
  webhooksOf(async () => createClient(httpTransport(await loadKubeconfig(kubeconfig))));
});

describe('a server of webhooks', () => {
  function post(path: string, body: string, method = 'POST'): Promise<readonly [number, string]> {
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: webhooks.port, path, method, ca: authority.certificate, agent: false },
        async (answer) => {
          let text = '';
          for await (const chunk of answer) text += String(chunk);
          resolve([answer.statusCode ?? 0, text]);
        },
      );
      sent.once('error', reject);
      sent.end(body);
    });
  }

  it('refuses what it is not for', async () => {
    expect(await post('/none', '{}')).toEqual([404, 'there is no webhook of this path']);
    expect(await post('/__proto__', '{}')).toEqual([404, 'there is no webhook of this path']);
    expect(await post('/keep-short', '{}', 'PUT')).toEqual([405, 'webhooks are asked by POST']);
    expect(await post('/keep-short', 'x')).toEqual([400, 'the body is no JSON']);
    expect((await post('/keep-short', '{}'))[0]).toBe(400);
    expect(await post('/keep-short', 'x'.repeat(100_001))).toEqual([413, 'reviews are at most 100000 bytes long']);
  });
});

import { createServer } from 'node:https';
import { systemClock } from '@keelson/core';
import { expect, vi } from 'vitest';
import { makeCertificate } from '../pki/index.ts';
import { type AskOracle, isJson, type Json } from './oracle.test-data.ts';

const label = 'keelson.dev/seen';

export interface SeenByWebhook {
  /** A label that has the webhook asked about an object, and under which it is found afterwards. */
  label(id: string): Readonly<Record<string, string>>;
  objectOf(id: string): Json | undefined;
  stop(): Promise<void>;
}

/**
 * A mutating webhook of the real control plane that refuses everything and keeps what it was shown: what the server has
 * made of a body before anything is validated. With `convertTo` it is shown objects in that version, whatever they came in.
 */
export async function oracleWebhook(
  ask: AskOracle,
  convertTo?: { readonly group: string; readonly version: string; readonly resource: string },
): Promise<SeenByWebhook> {
  const seen = new Map<string, Json>();
  const now = systemClock.now();
  const life = { notBefore: now - 60_000, notAfter: now + 3_600_000 };
  const authority = await makeCertificate({ subject: { commonName: 'canonical' }, usages: ['ca'], ...life });
  const server = { subject: { commonName: 'localhost' }, hosts: ['127.0.0.1'], usages: ['server'] as const, ...life };
  const pair = await makeCertificate(server, authority);
  const webhook = createServer({ key: pair.key, cert: pair.certificate }, async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
    const review: unknown = JSON.parse(text);
    const asked = isJson(review) && isJson(review['request']) ? review['request'] : {};
    const object = isJson(asked['object']) ? asked['object'] : {};
    const metadata = isJson(object['metadata']) ? object['metadata'] : {};
    const labels = isJson(metadata['labels']) ? metadata['labels'] : {};
    seen.set(String(labels[label]), object);
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: asked['uid'], allowed: false, status: { message: 'seen' } },
      }),
    );
  });
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
  const address = webhook.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const mine = `${process.pid}-${port}`;
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const every = { apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] };
  const one = convertTo && {
    apiGroups: [convertTo.group],
    apiVersions: [convertTo.version],
    resources: [convertTo.resource],
  };
  const hook = (name: string, rule: object) => ({
    name: `${name}.keelson.dev`,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Ignore',
    matchPolicy: convertTo ? 'Equivalent' : 'Exact',
    clientConfig: {
      url: `https://127.0.0.1:${port}/`,
      caBundle: Buffer.from(authority.certificate).toString('base64'),
    },
    rules: [{ operations: ['CREATE'], ...rule }],
    objectSelector: { matchLabels: { 'keelson.dev/asked': mine } },
  });
  const labels = (id: string) => ({ [label]: id, 'keelson.dev/asked': mine });
  const configMaps = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
  const answer = await ask(
    'POST',
    path,
    JSON.stringify({
      metadata: { name: `seen-${mine}` },
      webhooks: one ? [hook('converted', one), hook('probe', configMaps)] : [hook('seen', every)],
    }),
  );
  expect(answer.code, answer.text).toBe(201);
  // The server learns of it by a watch: ask until it has.
  await vi.waitFor(
    async () => {
      const probe = { metadata: { name: 'probe', labels: labels('probe') } };
      await ask('POST', '/api/v1/namespaces/default/configmaps?dryRun=All', JSON.stringify(probe));
      expect(seen.has('probe')).toBe(true);
    },
    { timeout: 20_000, interval: 100 },
  );
  return {
    label: labels,
    objectOf: (id) => seen.get(id),
    async stop() {
      await ask('DELETE', `${path}/seen-${mine}`);
      webhook.closeAllConnections();
      webhook.close();
    },
  };
}

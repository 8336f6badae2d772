import { createServer, type Server } from 'node:https';
import { systemClock } from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificate } from '../pki/index.ts';
import { decodeAs, definitionOf, resourceTable, type TableResource } from './index.ts';
import { type AskOracle, isJson, type Json, oracle } from './oracle.test-data.ts';
import { chanceFrom, randomObject } from './random-value.test-data.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 1);
const perKind = Number(process.env['KEELSON_TEST_CASES'] ?? 5);

const name = `canonical-${process.pid}`;
const label = 'keelson.dev/canonical';

/** Defaults and conversions that are no matter of decoding: those of the strategies. */
const meant = [
  /securityContext$/,
  /emptyDir$/,
  /hostPath\.type$/,
  /azureDisk\.readOnly$/,
  /grpc\.service$/,
  /rollingUpdate\.max(Surge|Unavailable)$/,
  /^\.spec\.priority$/,
  /sessionAffinityConfig$/,
  /serviceAccount$/,
  /podCIDRs?/,
  /\.(suspend|partition|manualSelector|storageCapacity|seLinuxMount|requiresRepublish|podInfoOnMount)$/,
  /\.(lendablePercent|nominalConcurrencyShares|stabilizationWindowSeconds)$/,
  /volumeClaimTemplates\[\d+\]\.(kind|apiVersion)$/,
  /devices\[\d+\]\.basic$/,
  /^\.ports\[\d+\]\.name$/,
  // Empty bytes: null before they are stored, and empty again in a map after.
  /^\.spec\.request$/,
  /^\.binaryData\./,
  /podIPs?/,
  /targetPort$/,
  /optional$/,
  /conversion\.webhook$/,
  // Owners that are named twice are told once.
  /metadata\.ownerReferences$/,
  // Goes into data.
  /stringData$/,
  /^\.data\./,
];

/** What defaulting, admission and the server itself add is no matter of decoding. */
function unlike(ours: unknown, theirs: unknown, at: string): string[] {
  if (isJson(ours) && isJson(theirs)) {
    return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap((key) => {
      const place = `${at}.${key}`;
      const [left, right] = [ours[key], theirs[key]];
      if (left === undefined && !isZero(right)) return [];
      if (meant.some((each) => each.test(place))) return [];
      return unlike(left, right, place);
    });
  }
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (theirs.length < ours.length) return [`${at}: ours ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}`];
    return ours.flatMap((each: unknown, index) => unlike(each, theirs[index], `${at}[${index}]`));
  }
  // Before it has been stored, what is empty and always written need not be null yet.
  if (ours === null && (Array.isArray(theirs) || isJson(theirs)) && Object.keys(theirs).length === 0) return [];
  // An empty text, a zero or a missing thing may have been defaulted.
  if ((ours === '' || ours === 0 || ours === null) && !isZero(theirs) && theirs !== undefined) return [];
  const [left, right] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return left === right ? [] : [`${at}: ours ${left?.slice(0, 200)}, theirs ${right?.slice(0, 200)}`];
}

function isZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === null || value === '' || value === 0 || value === false;
}

/**
 * A mutating webhook sees what the real server has made of a body before anything is validated: so any nonsense can be
 * compared, as long as it fits the schema.
 */
describe.runIf(kubeconfig)('canonical objects beside a real control plane', () => {
  let ask: AskOracle;
  let webhook: Server;
  const seen = new Map<string, Json>();

  beforeAll(async () => {
    ask = await oracle(kubeconfig);
    const now = systemClock.now();
    const life = { notBefore: now - 60_000, notAfter: now + 3_600_000 };
    const authority = await makeCertificate({ subject: { commonName: 'canonical' }, usages: ['ca'], ...life });
    const server = { subject: { commonName: 'localhost' }, hosts: ['127.0.0.1'], usages: ['server'] as const, ...life };
    const pair = await makeCertificate(server, authority);
    webhook = createServer({ key: pair.key, cert: pair.certificate }, async (request, response) => {
      let text = '';
      for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
      const review = JSON.parse(text) as { request: { uid: string; object: Json } };
      const metadata = review.request.object['metadata'];
      const labels = isJson(metadata) && isJson(metadata['labels']) ? metadata['labels'] : {};
      seen.set(String(labels[label]), review.request.object);
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid: review.request.uid, allowed: false, status: { message: 'seen' } },
        }),
      );
    });
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    const address = webhook.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const answer = await ask(
      'POST',
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
      JSON.stringify({
        metadata: { name },
        webhooks: [
          {
            name: 'canonical.keelson.dev',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            failurePolicy: 'Ignore',
            matchPolicy: 'Exact',
            clientConfig: {
              url: `https://127.0.0.1:${port}/`,
              caBundle: Buffer.from(authority.certificate).toString('base64'),
            },
            rules: [{ operations: ['CREATE'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }],
            objectSelector: { matchExpressions: [{ key: label, operator: 'Exists' }] },
          },
        ],
      }),
    );
    expect(answer.code, answer.text).toBe(201);
    // The server learns of it by a watch: ask until it has.
    await vi.waitFor(
      async () => {
        await send(configMaps, { metadata: { name: 'probe', labels: { [label]: 'probe' } } });
        expect(seen.has('probe')).toBe(true);
      },
      { timeout: 20_000, interval: 100 },
    );
  }, 30_000);
  afterAll(async () => {
    await ask('DELETE', `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${name}`);
    webhook.closeAllConnections();
    webhook.close();
  });

  const pathOf = ({ group, version, resource, scope }: TableResource) =>
    `${group === '' ? '/api' : `/apis/${group}`}/${version}/${scope === 'Namespaced' ? 'namespaces/default/' : ''}${resource}?dryRun=All`;
  const configMaps = '/api/v1/namespaces/default/configmaps?dryRun=All';
  const send = (path: string, body: Json) => ask('POST', path, JSON.stringify(body));

  const kinds = resourceTable().resources.filter(
    ({ verbs, group }) => verbs.includes('create') && verbs.includes('get') && !notAsked.has(group),
  );

  it.each(kinds.map((each) => [`${each.group}/${each.version} ${each.kind}`, each] as const))(
    '%s',
    async (title, resource) => {
      const definition = definitionOf(resource.group, resource.version, resource.kind) ?? '';
      const chance = chanceFrom(seed + title.length * 7919 + title.charCodeAt(title.length - 1));
      const found: string[] = [];
      let asked = 0;
      for (let each = 0; each < perKind; each++) {
        const body: Record<string, unknown> = randomObject(definition, chance);
        const id = `${process.pid}-${kinds.indexOf(resource)}-${each}`;
        const metadata = isJson(body['metadata']) ? body['metadata'] : {};
        body['metadata'] = { ...metadata, name: 'a', namespace: undefined, labels: { [label]: id } };
        for (const field of ['apiVersion', 'kind']) delete body[field];
        for (const field of serverFields) delete (body['metadata'] as Record<string, unknown>)[field];
        const answer = await send(pathOf(resource), body);
        const theirs = seen.get(id);
        let ours: unknown;
        try {
          ours = decodeAs(definition, JSON.parse(JSON.stringify(body)), { unknown: [] });
        } catch (error) {
          ours = error;
        }
        if (theirs === undefined) {
          if (process.env['KEELSON_TEST_VERBOSE']) console.log(title, answer.code, answer.text.slice(0, 300));
          continue;
        }
        asked++;
        found.push(...unlike(ours, theirs, ''));
      }
      expect([...new Set(found)].slice(0, 20)).toEqual([]);
      if (process.env['KEELSON_TEST_VERBOSE']) console.log(title, 'compared', asked);
    },
    30_000,
  );
});

/** Metadata that the server takes out or refuses before any webhook is asked. */
const serverFields = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generateName',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
];

/** Webhooks are not asked about what configures admission. */
const notAsked = new Set(['admissionregistration.k8s.io']);

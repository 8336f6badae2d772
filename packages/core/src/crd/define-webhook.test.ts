import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { allow, change, deny } from '../admission/index.ts';
import { ConfigMap, Pod } from '../api/index.ts';
import { silentLogger } from '../testing/index.ts';
import { defineOperator } from './define-operator.ts';
import { defineResource } from './define-resource.ts';
import { type DefinedWebhook, defineWebhook, type WebhookContext } from './define-webhook.ts';

const Site = defineResource({
  group: 'example.com',
  version: 'v1',
  kind: 'Site',
  spec: z.object({ page: z.string() }),
});
const inService = (path: string) => ({ service: { name: 'hook', namespace: 'own', path, port: 443 } });
// Nobody asks for the rest of it here.
const context = { logger: silentLogger } as WebhookContext;

async function ask(webhook: DefinedWebhook, request: object): Promise<Record<string, unknown>> {
  const answer = await (webhook.mutate ?? webhook.validate)?.(context);
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      operation: 'CREATE',
      userInfo: { username: 'joe' },
      ...request,
    },
  };
  return JSON.parse((await answer?.(JSON.stringify(review), AbortSignal.timeout(60_000))) ?? '{}').response;
}
const patchIn = ({ patch }: Record<string, unknown>) =>
  patch === undefined ? undefined : JSON.parse(Buffer.from(String(patch), 'base64').toString());

describe('a defined webhook', () => {
  const object = { metadata: { name: 'a' }, data: { k: 'v' } };

  it('changes by an object, by operations, by a decision, or not', async () => {
    const mutating = (mutate: NonNullable<Parameters<typeof defineWebhook<ConfigMap>>[0]['mutate']>) =>
      ask(defineWebhook({ name: 'x', for: ConfigMap, mutate }), { object });
    const changed = [{ op: 'replace', path: '/data/k', value: 'w' }];
    expect(patchIn(await mutating(({ object }) => ({ ...object, data: { k: 'w' } })))).toEqual(changed);
    expect(patchIn(await mutating(() => [{ op: 'replace', path: '/data/k', value: 'w' }]))).toEqual(changed);
    expect(await mutating(({ object }) => change({ ...object, data: { k: 'w' } }, { warnings: ['x'] }))).toMatchObject({
      patchType: 'JSONPatch',
      warnings: ['x'],
    });
    expect(await mutating(() => undefined)).toEqual({ uid: 'u', allowed: true });
    expect(await mutating(({ object }) => object)).toEqual({ uid: 'u', allowed: true });
    expect(await mutating(() => [])).toEqual({ uid: 'u', allowed: true });
    expect(await mutating(async () => deny('no'))).toMatchObject({ allowed: false, status: { message: 'no' } });
    await expect(
      mutating(() => {
        throw new Error('oh no');
      }),
    ).rejects.toThrow('oh no');
  });

  it('is asked about the operations that it names, with what they are about', async () => {
    const seen: unknown[] = [];
    const webhook = defineWebhook({
      name: 'x',
      for: ConfigMap,
      operations: ['DELETE', 'UPDATE'],
      validate({ operation, object, oldObject }) {
        seen.push([operation, object?.data?.['k'], oldObject.data?.['k']]);
      },
    });
    await ask(webhook, { operation: 'DELETE', oldObject: object });
    await ask(webhook, { operation: 'UPDATE', object, oldObject: object });
    expect(seen).toEqual([
      ['DELETE', undefined, 'v'],
      ['UPDATE', 'v', 'v'],
    ]);
    await expect(ask(webhook, { object })).rejects.toThrow('this webhook is not about CREATE');
    await expect(ask(webhook, { operation: 'UPDATE', object })).rejects.toThrow(
      'a review of UPDATE without its object',
    );
  });

  it('refuses what cannot be', () => {
    const validate = () => allow();
    expect(() => defineWebhook({ name: 'x', for: Pod })).toThrow('the webhook "x" has neither validate nor mutate');
    expect(() => defineWebhook({ name: 'No', for: Pod, validate })).toThrow('must be named by small letters');
    expect(() => defineWebhook({ name: 'x', for: Pod, validate, timeoutSeconds: 31 })).toThrow('between 1 and 30');
    expect(() => defineWebhook({ name: 'x', for: Pod, validate, operations: [] })).toThrow('is about no operation');
    const twice = defineWebhook({ name: 'x', for: Pod, validate });
    expect(() => defineOperator({ name: 'o', for: Pod, webhooks: [twice, twice] })).toThrow(
      'the operator "o" has two webhooks named "x"',
    );
    expect(() => defineOperator({ name: 'o', for: Pod })).toThrow(
      'the operator "o" has neither dependents nor a reconcile function nor webhooks',
    );
  });
});

describe('configurations of webhooks', () => {
  const validate = () => undefined;

  it('spare the namespace of the operator, but for kinds of its own', () => {
    const { installation, rules } = defineOperator({
      name: 'site',
      for: Site,
      validate,
      mutate: () => undefined,
      webhooks: [
        defineWebhook({
          name: 'pods.policy.example.org',
          for: Pod,
          subresources: ['', 'ephemeralcontainers'],
          namespaceSelector: { matchLabels: { team: 'red' } },
          objectSelector: { matchLabels: { app: 'x' } },
          sideEffects: 'NoneOnDryRun',
          matchPolicy: 'Exact',
          validate,
        }),
      ],
    });
    const { validating, mutating } = installation.webhooksWith(inService);
    expect(validating?.metadata.name).toBe('site.example.com');
    expect(validating?.webhooks?.map(({ name }) => name)).toEqual([
      'validate.site.example.com',
      'pods.policy.example.org',
    ]);
    expect(validating?.webhooks?.[0]?.namespaceSelector).toBeUndefined();
    expect(validating?.webhooks?.[1]).toMatchObject({
      clientConfig: { service: { path: '/validate/site/pods.policy.example.org' } },
      rules: [{ apiGroups: [''], resources: ['pods', 'pods/ephemeralcontainers'], scope: 'Namespaced' }],
      namespaceSelector: {
        matchLabels: { team: 'red' },
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['own'] }],
      },
      objectSelector: { matchLabels: { app: 'x' } },
      sideEffects: 'NoneOnDryRun',
      matchPolicy: 'Exact',
    });
    expect(mutating?.webhooks?.map(({ name }) => name)).toEqual(['mutate.site.example.com']);
    expect(rules?.filter(({ apiGroups }) => apiGroups?.includes('admissionregistration.k8s.io'))).toEqual([
      {
        apiGroups: ['admissionregistration.k8s.io'],
        resources: ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'],
        resourceNames: ['site.example.com'],
        verbs: ['get', 'create', 'patch', 'delete'],
      },
    ]);
  });

  it('are none where nothing is asked', () => {
    const { installation } = defineOperator({ name: 'site', for: Site, reconcile: async () => undefined });
    expect(installation.webhooksWith(inService)).toEqual({});
    expect(installation.isAsked).toBe(false);
    expect(installation.rulesWhen('manifests')).toEqual(installation.rulesWhen('operator'));
  });
});

import { ConfigMap, MutatingWebhookConfiguration, Namespace, Pod, ServiceAccount } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';
import { admissionNameProblems, builtinAdmissionNames, disabledAdmission } from './index.ts';
import { patch, type TestWebhookServer, testWebhookServer } from './webhook/webhook-server.test-data.ts';

/** As a kube-apiserver v1.35 with NodeRestriction says at its start that it has loaded them. */
const mutating =
  'NamespaceLifecycle,LimitRanger,ServiceAccount,NodeRestriction,TaintNodesByCondition,Priority,DefaultTolerationSeconds,DefaultStorageClass,StorageObjectInUseProtection,RuntimeClass,DefaultIngressClass,PodTopologyLabels,MutatingAdmissionPolicy,MutatingAdmissionWebhook';
const validating =
  'LimitRanger,ServiceAccount,PodSecurity,Priority,PersistentVolumeClaimResize,RuntimeClass,CertificateApproval,CertificateSigning,ClusterTrustBundleAttest,CertificateSubjectRestriction,NodeDeclaredFeatureValidator,ValidatingAdmissionPolicy,ValidatingAdmissionWebhook,ResourceQuota';

describe('the built-in admission plugins', () => {
  it.each([
    ['mutating', mutating],
    ['validating', validating],
  ])('stand in the order of Kubernetes: %s', (_, list) => {
    const theirs = list.split(',').filter((each) => builtinAdmissionNames.includes(each));
    expect(builtinAdmissionNames.filter((each) => theirs.includes(each))).toEqual(theirs);
  });

  it('are known by name', () => {
    expect(admissionNameProblems(['PodSecurity', 'ResourceQuota'])).toEqual([]);
    expect(admissionNameProblems(['Podsecurity'])).toEqual([
      `the admission plugin "Podsecurity" is unknown; known are ${builtinAdmissionNames.join(', ')}`,
    ]);
    const options = { disableAdmissionPlugins: ['Priority'], enableAdmissionPlugins: [] };
    expect(disabledAdmission(options)).toEqual(['Priority']);
    expect(() => disabledAdmission({ ...options, enableAdmissionPlugins: ['Priority'] })).toThrow(
      'the admission plugin "Priority" cannot be both enabled and disabled',
    );
  });
});

describe('admission', () => {
  let server: TestApiServer;
  let webhooks: TestWebhookServer;

  beforeAll(async () => {
    server = await startTestApiServer();
    webhooks = await testWebhookServer();
    webhooks.handle('/sidecar', ({ object }) =>
      JSON.stringify(object).includes('"side"')
        ? { allowed: true }
        : patch([{ op: 'add', path: '/spec/containers/-', value: { name: 'side', image: 'y' } }]),
    );
    const { client } = server;
    await client.create(Namespace, { metadata: { name: 'shop' }, spec: {} });
    await client.create(ServiceAccount, { metadata: { name: 'default', namespace: 'shop' } });
    await client.create(MutatingWebhookConfiguration, {
      metadata: { name: 'sidecar' },
      webhooks: [
        {
          name: 'sidecar.keelson.dev',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
          clientConfig: { url: `https://127.0.0.1:${webhooks.port}/sidecar`, caBundle: webhooks.caBundle },
        },
      ],
    });
  });
  afterAll(async () => {
    await server.stop();
    webhooks.stop();
  });

  const create = (name: string) =>
    server.client.create(
      Pod,
      { metadata: { name, namespace: 'shop' }, spec: { containers: [{ name: 'main', image: 'x' }] } },
      { dryRun: ['All'] },
    );

  it('completes what a webhook has added: plugins see it in a second round', async () => {
    const pod = await waitFor(async () => {
      const made = await create('p');
      return made.spec.containers.length === 2 && made;
    });
    const [main, side] = pod.spec.containers;
    expect(side?.name).toBe('side');
    expect(side?.volumeMounts).toEqual(main?.volumeMounts);
    expect(side?.volumeMounts?.[0]?.mountPath).toBe('/var/run/secrets/kubernetes.io/serviceaccount');
    expect(side?.imagePullPolicy).toBe('Always');
    expect(pod.spec.volumes).toHaveLength(1);
  });

  it('asks webhooks of nobody else', async () => {
    webhooks.seen.length = 0;
    await server.client.create(ConfigMap, { metadata: { name: 'c', namespace: 'shop' } });
    expect(webhooks.seen).toEqual([]);
  });

  it('is measured under the names that Kubernetes has', async () => {
    await create('q');
    const text = server.registry.admissionMetrics.text();
    for (const line of [
      'apiserver_admission_webhook_request_total{code="200",name="sidecar.keelson.dev",operation="CREATE",rejected="false",type="admit"}',
      'apiserver_admission_webhook_admission_duration_seconds_count{name="sidecar.keelson.dev",operation="CREATE",rejected="false",type="admit"}',
      'apiserver_admission_controller_admission_duration_seconds_count{name="ServiceAccount",operation="CREATE",rejected="false",type="admit"}',
      'apiserver_admission_controller_admission_duration_seconds_bucket{name="ResourceQuota",operation="CREATE",rejected="false",type="validate",le="2.5"}',
      'apiserver_admission_step_admission_duration_seconds_count{operation="CREATE",rejected="false",type="validate"}',
    ]) {
      expect(text).toContain(line);
    }
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestApiServer, type TestApiServer } from '@keelson/apiserver';
import {
  Deployment,
  type KubernetesObject,
  MutatingWebhookConfiguration,
  type Operator,
  runOperator,
  Secret,
  ValidatingWebhookConfiguration,
} from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import operator, { Website } from '../../../../examples/website/operator.ts';
import { accountOf, applyObject, argumentsIn, readDocuments, runAsDeployed } from '../../test/run-as-deployed.ts';
import { Website as VersionedWebsite, websiteOperator as versionedOperator } from '../../test/versioned-website.ts';
import { diskOperator, useWebhooks } from '../../test/webhook-operator.ts';
import {
  allManifests,
  dockerfile,
  helmFiles,
  kustomizeFiles,
  loadOperators,
  operatorManifests,
  plainYaml,
} from './index.ts';

const made = operatorManifests([operator], { image: 'registry.example.com:5000/website:1.0.0' });
const kinds = (objects: readonly KubernetesObject[]) => objects.map((each) => each.kind);
describe('operatorManifests', () => {
  const dirs: string[] = [];
  afterEach(async () => {
    for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
  });
  const temporary = async () => {
    const dir = await mkdtemp(join(tmpdir(), 'manifests-'));
    dirs.push(dir);
    return dir;
  };

  const placeOf = async ({ client, kubeconfig = '' }: TestApiServer) => ({
    client,
    kubeconfig,
    dir: await temporary(),
  });

  const onServer = async (own: Operator, use: (server: TestApiServer) => Promise<void>) => {
    const server = await startTestApiServer({ socket: true });
    try {
      await runAsDeployed(own, await placeOf(server), () => use(server));
    } finally {
      await server.stop();
    }
  };

  it.each([
    ['a leader', {}, { leaderElection: true }],
    ['shards', { shards: 4 }, { sharding: { shards: 4 } }],
  ])('are what the API server takes, with rights that are enough for the operator, and no more: %s', async (_, options, who) => {
    const server = await startTestApiServer({ socket: true });
    const stop = new AbortController();
    try {
      for (const each of readDocuments(plainYaml(operatorManifests([operator], options))))
        await applyObject(server.client, each);
      const subject = 'system:serviceaccount:website-system:website';
      const account = server.clients.as({ name: subject, groups: ['system:serviceaccounts', 'system:authenticated'] });
      const kubeconfig = await accountOf(await placeOf(server), 'website');
      const running = runOperator(operator, { kubeconfig, ...who, signal: stop.signal });
      const site = { name: 'hello', namespace: 'default' };
      await server.client.create(Website, { metadata: site, spec: { page: 'x', replicas: 1, image: 'any' } });
      await waitFor(() => server.client.get(Deployment, site), { what: 'the Deployment' });
      await waitFor(async () => ((await server.client.get(Website, site)).status?.nodePort ?? 0) > 0, {
        what: 'the status',
      });
      await expect(account.list(Secret)).rejects.toThrow('forbidden');
      await expect(account.delete(Website, site)).rejects.toThrow('forbidden');
      stop.abort();
      await running;
    } finally {
      stop.abort();
      await server.stop();
    }
  });

  it('install webhooks, of which the operator may say only what is to be trusted', async () => {
    expect(diskOperator.installation.rulesWhen('manifests')).toContainEqual({
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'],
      resourceNames: ['disks.webhooks.keelson.dev'],
      verbs: ['patch'],
    });
    await onServer(diskOperator, async ({ client }) => {
      const ref = { name: 'disks.webhooks.keelson.dev' };
      const trusts = async () =>
        (await client.get(MutatingWebhookConfiguration, ref)).webhooks?.every(
          ({ clientConfig }) => clientConfig.caBundle !== undefined,
        );
      await waitFor(trusts, { what: 'the authority' });
      await useWebhooks(client, 'default');
      // Pods of its own must be able to start while it is away.
      const { webhooks = [] } = await client.get(ValidatingWebhookConfiguration, ref);
      expect(webhooks.map(({ namespaceSelector }) => namespaceSelector?.matchExpressions?.[0]?.values)).toEqual([
        undefined,
        undefined,
        undefined,
        ['disks-system'],
      ]);
    });
  });

  it('install conversions between versions', () =>
    onServer(versionedOperator, async ({ client }) => {
      const metadata = { name: 'hello', namespace: 'default' };
      await waitFor(() => client.create(VersionedWebsite.v1alpha1, { metadata, spec: { text: 'hi', replicas: 3 } }), {
        what: 'the conversion',
      });
      expect((await client.get(VersionedWebsite.v1, metadata)).spec).toMatchObject({ page: 'hi', scaling: { max: 3 } });
    }));

  it('run without root and with two replicas in a namespace that enforces it', () => {
    expect(kinds(allManifests(made))).toEqual([
      'Namespace',
      'CustomResourceDefinition',
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'Deployment',
      'NetworkPolicy',
    ]);
    expect(kinds(allManifests(operatorManifests([diskOperator, versionedOperator])))).toEqual([
      'Namespace',
      'CustomResourceDefinition',
      'CustomResourceDefinition',
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'Deployment',
      'NetworkPolicy',
      'Service',
      'ValidatingWebhookConfiguration',
      'MutatingWebhookConfiguration',
    ]);
    expect(made.workload[0]).toMatchObject({
      spec: {
        replicas: 2,
        template: {
          spec: {
            serviceAccountName: 'website',
            securityContext: { runAsNonRoot: true },
            containers: [
              {
                args: ['--leader-elect', '--health-probe-bind-address=:8081', '--metrics-bind-address=:8080'],
                readinessProbe: { httpGet: { path: '/readyz', port: 'health' } },
                livenessProbe: { httpGet: { path: '/healthz', port: 'health' } },
              },
            ],
          },
        },
      },
    });
  });

  it('come as a kustomization and as a chart', () => {
    const kustomize = kustomizeFiles(made, 'website');
    expect(parse(kustomize.get('kustomization.yaml') ?? '')).toMatchObject({
      namespace: 'website-system',
      resources: ['namespace.yaml', 'crds.yaml', 'rbac.yaml', 'operator.yaml'],
      images: [{ name: 'registry.example.com:5000/website', newTag: '1.0.0' }],
    });
    const all = ['namespace.yaml', 'crds.yaml', 'rbac.yaml', 'operator.yaml'].map((each) => kustomize.get(each) ?? '');
    expect(all.flatMap(readDocuments)).toEqual(readDocuments(plainYaml(made)));
    const helm = helmFiles(made, 'website', '0.1.0');
    expect([...helm.keys()]).toEqual([
      'Chart.yaml',
      'values.yaml',
      'crds/crds.yaml',
      'templates/rbac.yaml',
      'templates/operator.yaml',
    ]);
    expect(parse(helm.get('values.yaml') ?? '')).toEqual({
      image: { repository: 'registry.example.com:5000/website', tag: '1.0.0' },
      replicas: 2,
    });
    const templates = `${helm.get('templates/rbac.yaml')}${helm.get('templates/operator.yaml')}`;
    expect(templates).toContain('image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"');
    expect(templates).toContain('namespace: {{ .Release.Namespace }}');
    expect(templates).not.toContain('website-system');
    expect(dockerfile('operator.ts')).toContain('"operator.ts"]');
  });

  it('leave certificates to cert-manager where it is there', () => {
    const byCertManager = operatorManifests([diskOperator, versionedOperator], { ca: 'cert-manager' });
    expect(kinds(byCertManager.webhooks)).toEqual([
      'Issuer',
      'Certificate',
      'ValidatingWebhookConfiguration',
      'MutatingWebhookConfiguration',
    ]);
    const asked = [...byCertManager.crds.slice(1), ...byCertManager.webhooks.slice(2)];
    for (const { metadata } of asked) {
      expect(metadata.annotations).toEqual({ 'cert-manager.io/inject-ca-from': 'disks-system/disks-webhook' });
    }
    const rules = JSON.stringify(byCertManager.rbac);
    expect(rules).not.toMatch(/admissionregistration|secrets/);
    expect(versionedOperator.installation.rulesWhen('cert-manager')).toContainEqual({
      apiGroups: ['apiextensions.k8s.io'],
      resources: ['customresourcedefinitions'],
      resourceNames: ['websites.example.com'],
      verbs: ['get', 'list', 'watch'],
    });
    expect(argumentsIn(byCertManager, 'disks-system').slice(-2)).toEqual([
      '--webhook-service=disks-system/disks-webhook',
      '--webhook-certificates=/certificates',
    ]);
    expect(JSON.stringify(byCertManager.workload[0])).toContain('"lifecycle":{"preStop":{"sleep":{"seconds":5}}}');
    expect(JSON.stringify(byCertManager.workload[0])).toContain(
      '"volumes":[{"name":"certificates","secret":{"secretName":"disks-webhook-certificate"}}]',
    );
    const chart = helmFiles(byCertManager, 'disks', '0.1.0');
    expect([...chart.keys()].filter((each) => /crds|webhooks/.test(each))).toEqual([
      'crds/crds.yaml',
      'templates/crds.yaml',
      'templates/webhooks.yaml',
    ]);
    const templates = ['crds', 'webhooks', 'operator']
      .map((each) => chart.get(`templates/${each}.yaml`) ?? '')
      .join('');
    expect(templates).not.toContain('disks-system');
    expect(templates).toContain('helm.sh/resource-policy: keep');
    expect(templates).toContain('cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/disks-webhook');
    expect(templates).toContain('- disks-webhook.{{ .Release.Namespace }}.svc\n');
  });

  it('mean the same to readers of YAML 1.1, as kubectl is one, and of 1.2', () => {
    const data = { a: 'yes', b: 'on', c: '012', d: '0o7', e: '1:30', f: '{{ x }}', g: '2001-01-01', h: 'y', i: '~' };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tricky', labels: data } };
    const text = plainYaml({ ...made, crds: [], rbac: [], workload: [object] }).split('---\n')[1] ?? '';
    expect([parse(text), parse(text, { schema: 'yaml-1.1' })]).toEqual([object, object]);
    expect(helmFiles({ ...made, rbac: [object] }, 'x', '1').get('templates/rbac.yaml')).toContain('{{ "{{" }} x }}');
  });

  it('are made of what a file exports, TypeScript as it is', async () => {
    const dir = await temporary();
    const source = (name: string) =>
      `interface Named { name: string }\nconst one = { name: '${name}', register() {}, crds: [] } satisfies Named;\nexport default one;\n`;
    await writeFile(join(dir, 'one.ts'), source('first'));
    expect((await loadOperators(join(dir, 'one.ts')))[0]?.name).toBe('first');
    await writeFile(join(dir, 'one.ts'), source('second'));
    expect((await loadOperators(join(dir, 'one.ts'), { fresh: true }))[0]?.name).toBe('second');
    await writeFile(join(dir, 'none.mjs'), 'export default 7;');
    await writeFile(join(dir, 'broken.ts'), 'export default (');
    await expect(loadOperators(join(dir, 'none.mjs'))).rejects.toThrow('exports no operator');
    await expect(loadOperators(join(dir, 'broken.ts'))).rejects.toThrow('cannot be loaded');
    await expect(loadOperators(join(dir, 'missing.ts'))).rejects.toThrow('does not exist');
  });
});

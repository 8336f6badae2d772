import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestApiServer } from '@keelson/apiserver';
import { type Client, Deployment, type KubernetesObject, type ResourceType, runOperator } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import operator, { Website } from '../../../../examples/website/operator.ts';
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
const read = (text: string) => parseAllDocuments(text).map((each): KubernetesObject => each.toJS());

/** Applies an object of any kind, as `kubectl apply --server-side` does. */
async function apply(client: Client, object: KubernetesObject): Promise<KubernetesObject> {
  const [group, version] = object.apiVersion?.includes('/') ? object.apiVersion.split('/') : ['', object.apiVersion];
  const kind = object.kind ?? '';
  const plural = kind === 'NetworkPolicy' ? 'networkpolicies' : `${kind.toLowerCase()}s`;
  const namespaced = object.metadata.namespace !== undefined;
  const type: ResourceType = { group: group ?? '', version: version ?? '', kind, plural, namespaced };
  return client.patch(type, object.metadata, { apply: object, fieldManager: 'test', force: true });
}

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

  it('are what the API server takes, with rights that are enough for the operator, and no more', async () => {
    const server = await startTestApiServer({ socket: true });
    const stop = new AbortController();
    try {
      for (const each of read(plainYaml(made))) await apply(server.client, each);
      const subject = 'system:serviceaccount:website-system:website';
      const account = server.clients.as({ name: subject, groups: ['system:serviceaccounts', 'system:authenticated'] });
      const ServiceAccounts: ResourceType = {
        group: '',
        version: 'v1',
        kind: 'ServiceAccount',
        plural: 'serviceaccounts',
        namespaced: true,
      };
      const ref = { name: 'website', namespace: 'website-system' };
      const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } };
      const answer = await server.client.createSubresource(ServiceAccounts, ref, 'token', request);
      const token = /"token":"([^"]+)"/.exec(JSON.stringify(answer))?.[1] ?? '';
      const config = parse(server.kubeconfig ?? '');
      config.users[0].user = { token };
      config.contexts[0].context.namespace = 'website-system';
      const kubeconfig = join(await temporary(), 'kubeconfig');
      await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
      const running = runOperator(operator, { kubeconfig, leaderElection: true, signal: stop.signal });
      const site = { name: 'hello', namespace: 'default' };
      await server.client.create(Website, { metadata: site, spec: { page: 'x', replicas: 1, image: 'any' } });
      await waitFor(() => server.client.get(Deployment, site), { what: 'the Deployment' });
      await waitFor(async () => ((await server.client.get(Website, site)).status?.nodePort ?? 0) > 0, {
        what: 'the status',
      });
      await expect(account.list({ ...ServiceAccounts, kind: 'Secret', plural: 'secrets' })).rejects.toThrow(
        'forbidden',
      );
      await expect(account.delete(Website, site)).rejects.toThrow('forbidden');
      stop.abort();
      await running;
    } finally {
      stop.abort();
      await server.stop();
    }
  });

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
    expect(made.workload[0]).toMatchObject({
      spec: {
        replicas: 2,
        template: { spec: { serviceAccountName: 'website', securityContext: { runAsNonRoot: true } } },
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
    expect(all.flatMap(read)).toEqual(read(plainYaml(made)));
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

import { type TestCluster, testCluster } from '@keelson/apiserver/testing';
import { namespacePlugin, resourceQuotaPlugin, serviceAccountPlugin } from '@keelson/controllers';
import {
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  isStatusError,
  LimitRange,
  Namespace,
  NetworkPolicy,
  Pod,
  ResourceQuota,
  RoleBinding,
  ServiceAccount,
} from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import operator from './operator.ts';
import { Tenant } from './tenant.ts';

const acme = { name: 'acme' };
const namespace = 'tenant-acme';
const registry = 'registry.example.com/acme';

const pod = (name: string, image = `${registry}/web:1`, user = 1000) => ({
  metadata: { name, namespace },
  spec: {
    containers: [
      {
        name: 'web',
        image,
        securityContext: {
          allowPrivilegeEscalation: false,
          runAsNonRoot: true,
          runAsUser: user,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' as const },
        },
      },
    ],
  },
});

const denied = (webhook: string) => `admission webhook "${webhook}.tenants.examples.keelson.dev" denied the request: `;

const isGone = (read: Promise<unknown>) => expect(read).rejects.toSatisfy((error) => isStatusError(error, 'NotFound'));

describe('a tenant', () => {
  let filled: TestCluster;
  beforeAll(async () => {
    filled = await testCluster({ plugins: [serviceAccountPlugin, namespacePlugin, resourceQuotaPlugin, operator] });
    const spec = { owner: 'olga', members: ['mia', 'max'], registries: [registry] };
    await filled.client.create(Tenant, { metadata: acme, spec: { ...spec, quota: { pods: 3 } } });
    await filled.eventually(async () => {
      const { status } = await filled.client.get(Tenant, acme);
      expect(status?.namespace).toBe(namespace);
      expect(status?.conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
    });
    await filled.eventually(() => filled.client.get(ServiceAccount, { name: 'default', namespace }));
    await filled.eventually(async () => {
      expect((await filled.client.get(ResourceQuota, { name: 'acme', namespace })).status?.hard).toBeDefined();
    });
  });
  afterAll(() => filled.stop());

  const as = (cluster: TestCluster, name: string) => cluster.api.clients.as({ name });

  /** Another cluster that begins as the tenant was made, so that no test sees what another did. */
  const fork = () => filled.fork({ plugins: 'same' });

  it('gets a namespace with all that belongs to it', async () => {
    const { client } = filled;
    expect((await client.get(Namespace, { name: namespace })).metadata).toMatchObject({
      labels: { 'examples.keelson.dev/tenant': 'acme', 'pod-security.kubernetes.io/enforce': 'restricted' },
      ownerReferences: [{ kind: 'Tenant', name: 'acme', controller: true }],
    });
    const { spec } = await client.get(ResourceQuota, { name: 'acme', namespace });
    expect(spec?.hard).toEqual({ 'requests.cpu': '4', 'requests.memory': '8Gi', pods: '3' });
    await client.get(LimitRange, { name: 'acme', namespace });
    await client.get(NetworkPolicy, { name: 'acme', namespace });
    const bindings = (await client.list(RoleBinding, { namespace })).items;
    expect(bindings.map(({ roleRef, subjects }) => [roleRef.name, subjects?.map(({ name }) => name)])).toEqual([
      ['edit', ['mia', 'max']],
      ['admin', ['olga']],
    ]);
  });

  it('has members who work there and nowhere else, within its quota and its policies', async () => {
    await using cluster = await fork();
    const mia = as(cluster, 'mia');
    const made = await mia.create(Pod, pod('one'));
    expect(made.metadata.labels).toEqual({ 'examples.keelson.dev/tenant': 'acme' });
    expect(made.spec.containers[0]?.resources?.requests).toEqual({ cpu: '100m', memory: '128Mi' });

    await expect(mia.create(Pod, pod('two', 'nginx'))).rejects.toThrow(
      `${denied('images')}the image nginx is not from ${registry}`,
    );
    await expect(mia.create(Pod, pod('two', `${registry}-evil/web`))).rejects.toThrow(denied('images'));
    await expect(mia.create(Pod, pod('two', undefined, 0))).rejects.toThrow('violates PodSecurity "restricted:latest"');
    const unlabelled = { merge: { metadata: { labels: { 'examples.keelson.dev/tenant': null } } } };
    const kept = await mia.patch(Pod, made.metadata, unlabelled);
    expect(kept.metadata.labels).toEqual({ 'examples.keelson.dev/tenant': 'acme' });
    const debug = { ...made.spec.containers[0], name: 'debug', image: 'busybox', resources: {} };
    const debugging = { spec: { ephemeralContainers: [debug] } };
    await expect(
      cluster.client.patch(Pod, made.metadata, { strategic: debugging }, { subresource: 'ephemeralcontainers' }),
    ).rejects.toThrow(denied('debug-images'));

    await mia.create(Pod, pod('two'));
    await mia.create(Pod, pod('three'));
    await expect(mia.create(Pod, pod('four'))).rejects.toThrow('exceeded quota: acme, requested: pods=1');

    await expect(mia.create(Pod, { ...pod('x'), metadata: { name: 'x', namespace: 'default' } })).rejects.toThrow(
      'User "mia" cannot create resource "pods" in API group "" in the namespace "default"',
    );
    await expect(mia.delete(RoleBinding, { name: 'members', namespace })).rejects.toMatchObject({ code: 403 });
    await as(cluster, 'olga').create(RoleBinding, {
      metadata: { name: 'guest', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'gus' }],
    });
    expect((await as(cluster, 'gus').list(Pod, { namespace })).items).toHaveLength(3);
  });

  it('keeps its labels and its name, also from those who may change namespaces', async () => {
    await using cluster = await fork();
    const { client } = cluster;
    const rules = [{ apiGroups: [''], resources: ['namespaces'], verbs: ['*'] }];
    await client.create(ClusterRole, { metadata: { name: 'namespaces' }, rules });
    await client.create(ClusterRoleBinding, {
      metadata: { name: 'namespaces' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'namespaces' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'nick' }],
    });
    const nick = as(cluster, 'nick');
    const relabel = (labels: Readonly<Record<string, string | null>>) =>
      nick.patch(Namespace, { name: namespace }, { merge: { metadata: { labels } } });
    await expect(relabel({ 'pod-security.kubernetes.io/enforce': 'privileged' })).rejects.toThrow(
      `${denied('labels')}the label pod-security.kubernetes.io/enforce follows from the Tenant: restricted`,
    );
    await expect(relabel({ 'examples.keelson.dev/tenant': null })).rejects.toThrow(denied('labels'));
    await relabel({ team: 'blue' });
    await nick.create(Namespace, { metadata: { name: 'blue' } });
    await expect(nick.create(Namespace, { metadata: { name: 'tenant-blue' } })).rejects.toThrow(
      `${denied('names')}namespaces named tenant-… are made for Tenants, and there is none of that name`,
    );
    await expect(client.create(Tenant, { metadata: { name: 'system' }, spec: { owner: 'x' } })).rejects.toThrow(
      `${denied('validate')}the name system is reserved`,
    );
  });

  it('changes as its Tenant does, and is put right where somebody else changes it', async () => {
    await using cluster = await fork();
    const { client } = cluster;
    const mia = as(cluster, 'mia');
    await mia.list(ConfigMap, { namespace });
    const spec = { members: ['max'], isolated: false, podSecurity: 'baseline' };
    await client.patch(Tenant, acme, { merge: { spec } });
    await cluster.eventually(() => expect(mia.list(ConfigMap, { namespace })).rejects.toMatchObject({ code: 403 }));
    await cluster.eventually(() => isGone(client.get(NetworkPolicy, { ...acme, namespace })));
    const { metadata, spec: restricted } = pod('max');
    const containers = restricted.containers.map(({ name, image }) => ({ name, image }));
    await cluster.eventually(() => as(cluster, 'max').create(Pod, { metadata, spec: { containers } }));
    await client.delete(ResourceQuota, { ...acme, namespace });
    await cluster.eventually(() => client.get(ResourceQuota, { ...acme, namespace }));
  });

  it('leaves nothing behind', async () => {
    await using cluster = await fork();
    const { client } = cluster;
    await as(cluster, 'mia').create(ConfigMap, { metadata: { name: 'left', namespace } });
    await client.delete(Tenant, acme);
    await cluster.eventually(() => isGone(client.get(Tenant, acme)));
    await isGone(client.get(Namespace, { name: namespace }));
    expect((await client.list(ConfigMap, { namespace })).items).toEqual([]);
    expect((await client.list(RoleBinding, { namespace })).items).toEqual([]);
  });
});

import { defineOperator, LimitRange, Namespace, NetworkPolicy, ResourceQuota, RoleBinding } from '@keelson/core';
import { policies, validateTenant } from './policies.ts';
import { labelsOf, namespaceOf, Tenant } from './tenant.ts';

const rbac = 'rbac.authorization.k8s.io';

/** A binding of users in the tenant's namespace to one of the roles that every cluster has. */
const binding = (tenant: Tenant, name: string, role: string, users: readonly string[]) => ({
  metadata: { name, namespace: namespaceOf(tenant) },
  roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
  subjects: users.map((user) => ({ apiGroup: rbac, kind: 'User', name: user })),
});

export default defineOperator({
  name: 'tenants',
  for: Tenant,
  dependents: ({ child }) => ({
    namespace: child(Namespace, {
      make: (tenant) => ({ metadata: { name: namespaceOf(tenant), labels: labelsOf(tenant) } }),
    }),
    quota: child(ResourceQuota, {
      after: ['namespace'],
      make: (tenant) => {
        const { cpu, memory, pods } = tenant.spec.quota;
        const hard = { 'requests.cpu': cpu, 'requests.memory': memory, pods: `${pods}` };
        return { metadata: { namespace: namespaceOf(tenant) }, spec: { hard } };
      },
    }),
    limits: child(LimitRange, {
      after: ['namespace'],
      make: (tenant) => {
        const limits = [{ type: 'Container', defaultRequest: { cpu: '100m', memory: '128Mi' } }];
        return { metadata: { namespace: namespaceOf(tenant) }, spec: { limits } };
      },
    }),
    owner: child(RoleBinding, {
      after: ['namespace'],
      make: (tenant) => binding(tenant, 'owner', 'admin', [tenant.spec.owner]),
    }),
    members: child(RoleBinding, {
      after: ['namespace'],
      when: ({ spec }) => spec.members.length > 0,
      make: (tenant) => binding(tenant, 'members', 'edit', tenant.spec.members),
    }),
    network: child(NetworkPolicy, {
      after: ['namespace'],
      when: ({ spec }) => spec.isolated,
      make: (tenant) => {
        const ingress = [{ from: [{ podSelector: {} }] }];
        return {
          metadata: { namespace: namespaceOf(tenant) },
          spec: { podSelector: {}, policyTypes: ['Ingress'], ingress },
        };
      },
    }),
  }),
  async reconcile(tenant, { setStatus }) {
    setStatus({ namespace: namespaceOf(tenant) });
  },
  validate: validateTenant,
  webhooks: policies,
  // Nobody gives rights that it does not have, unless it may bind the role.
  rules: [{ apiGroups: [rbac], resources: ['clusterroles'], resourceNames: ['admin', 'edit'], verbs: ['bind'] }],
});

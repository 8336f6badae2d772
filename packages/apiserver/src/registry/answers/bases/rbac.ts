import type { Base } from '../base.ts';

const api = 'rbac.authorization.k8s.io/v1';
const cluster = `/apis/${api}`;
const own = `${cluster}/namespaces/default`;
const rules = [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'], resourceNames: ['x'] }];
const group = 'rbac.authorization.k8s.io';
const subjects = [
  { kind: 'User', name: 'u', apiGroup: group },
  { kind: 'Group', name: 'g', apiGroup: group },
  { kind: 'ServiceAccount', name: 's', namespace: 'default' },
];

export const rbacBases: readonly Base[] = [
  {
    path: `${own}/roles`,
    updates: true,
    body: { apiVersion: api, kind: 'Role', metadata: { name: 'role' }, rules },
    more: [
      ['/metadata/name', 'system:Foo'],
      ['/metadata/name', 'a/b'],
      ['/metadata/name', '..'],
      ['/rules', [{ nonResourceURLs: ['/x'], verbs: ['get'] }]],
      ['/rules', [{ nonResourceURLs: ['/x'], verbs: ['get'], apiGroups: [''], resources: ['x'] }]],
      ['/rules', [{ verbs: [] }]],
    ],
  },
  {
    path: `${cluster}/clusterroles`,
    updates: true,
    body: {
      apiVersion: api,
      kind: 'ClusterRole',
      metadata: { name: 'clusterrole' },
      rules: [...rules, { nonResourceURLs: ['/x'], verbs: ['get'] }],
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
    },
    more: [
      ['/rules', [{ nonResourceURLs: ['/x'], verbs: ['get'], apiGroups: [''], resources: ['x'] }]],
      ['/rules', [{ verbs: [] }]],
      ['/rules', [{ nonResourceURLs: ['x', '/a*b'], verbs: ['get'] }]],
    ],
  },
  {
    path: `${own}/rolebindings`,
    updates: true,
    body: {
      apiVersion: api,
      kind: 'RoleBinding',
      metadata: { name: 'rolebinding' },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'view' },
      subjects,
    },
    more: [
      ['/roleRef/kind', 'Role'],
      ['/subjects/0/namespace', 'x'],
      ['/subjects/2/apiGroup', 'x'],
      ['/subjects/2/namespace', ''],
      ['/subjects/0/kind', 'Bot'],
    ],
    moreUpdates: [['/roleRef/name', 'edit']],
  },
  {
    path: `${cluster}/clusterrolebindings`,
    updates: true,
    body: {
      apiVersion: api,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'clusterrolebinding' },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'view' },
      subjects,
    },
    more: [
      ['/roleRef/kind', 'Role'],
      ['/subjects/2/apiGroup', 'x'],
    ],
    moreUpdates: [['/roleRef/name', 'edit']],
  },
];

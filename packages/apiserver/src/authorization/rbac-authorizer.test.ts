import { describe, expect, it } from 'vitest';
import { forbidden } from './forbidden.ts';
import { RbacAuthorizer } from './rbac-authorizer.ts';
import { rulesCover } from './rule-matching.ts';

const user = (name: string, ...groups: string[]) => ({ name, groups });
const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });

function authorizer() {
  const rbac = new RbacAuthorizer();
  const { index } = rbac;
  index.setClusterRole({
    metadata: { name: 'reader' },
    rules: [
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] },
      { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['one'] },
      { verbs: ['get'], nonResourceURLs: ['/healthz', '/metrics/*'] },
    ],
  });
  index.setBinding({
    metadata: { name: 'readers' },
    roleRef: roleRef('ClusterRole', 'reader'),
    subjects: [{ kind: 'Group', name: 'readers' }],
  });
  index.setRole({
    metadata: { name: 'editor', namespace: 'a' },
    rules: [{ verbs: ['*'], apiGroups: ['apps'], resources: ['*'] }],
  });
  index.setBinding({
    metadata: { name: 'editors', namespace: 'a' },
    roleRef: roleRef('Role', 'editor'),
    subjects: [{ kind: 'ServiceAccount', name: 'bot', namespace: 'b' }],
  });
  return rbac;
}

describe('RbacAuthorizer', () => {
  const rbac = authorizer();
  const pods = { group: '', version: 'v1', resource: 'pods' };

  it('allows by group, with the reason', () => {
    expect(rbac.authorize({ user: user('jane', 'readers'), verb: 'list', ...pods })).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "readers"',
    });
    expect(rbac.authorize({ user: user('jane', 'readers'), verb: 'delete', ...pods }).allowed).toBe(false);
    expect(rbac.authorize({ user: user('jane'), verb: 'list', ...pods }).allowed).toBe(false);
  });

  it('narrows to names, subresources and paths', () => {
    const jane = user('jane', 'readers');
    const secret = { user: jane, verb: 'get', group: '', version: 'v1', resource: 'secrets', namespace: 'a' };
    expect(rbac.authorize({ ...secret, name: 'one' }).allowed).toBe(true);
    expect(rbac.authorize({ ...secret, name: 'two' }).allowed).toBe(false);
    expect(rbac.authorize({ user: jane, verb: 'get', ...pods, name: 'p', subresource: 'log' }).allowed).toBe(true);
    expect(rbac.authorize({ user: jane, verb: 'get', ...pods, name: 'p', subresource: 'exec' }).allowed).toBe(false);
    expect(rbac.authorize({ user: jane, verb: 'get', path: '/metrics/x' }).allowed).toBe(true);
    expect(rbac.authorize({ user: jane, verb: 'get', path: '/version' }).allowed).toBe(false);
  });

  it('keeps a RoleBinding inside of its namespace', () => {
    const bot = user('system:serviceaccount:b:bot', 'system:serviceaccounts');
    const deployments = { group: 'apps', version: 'v1', resource: 'deployments', user: bot, verb: 'create' };
    expect(rbac.authorize({ ...deployments, namespace: 'a' }).allowed).toBe(true);
    expect(rbac.authorize({ ...deployments, namespace: 'b' }).allowed).toBe(false);
    expect(rbac.authorize(deployments).allowed).toBe(false);
  });

  it('aggregates ClusterRoles, also through others, at once', () => {
    const { index } = rbac;
    const selector = (key: string) => ({ clusterRoleSelectors: [{ matchLabels: { [key]: 'true' } }] });
    index.setClusterRole({ metadata: { name: 'admin' }, aggregationRule: selector('to-admin') });
    index.setClusterRole({
      metadata: { name: 'edit', labels: { 'to-admin': 'true' } },
      aggregationRule: selector('to-edit'),
    });
    index.setBinding({
      metadata: { name: 'x' },
      roleRef: roleRef('ClusterRole', 'admin'),
      subjects: [{ kind: 'User', name: 'root' }],
    });
    const request = { user: user('root'), verb: 'get', group: 'g', version: 'v1', resource: 'things' };
    expect(rbac.authorize(request).allowed).toBe(false);
    const rules = [{ verbs: ['get'], apiGroups: ['g'], resources: ['things'] }];
    index.setClusterRole({ metadata: { name: 'more', labels: { 'to-edit': 'true' } }, rules });
    expect(rbac.authorize(request).allowed).toBe(true);
    index.deleteClusterRole({ metadata: { name: 'more' } });
    expect(rbac.authorize(request).allowed).toBe(false);
  });
});

describe('forbidden', () => {
  it('is worded as by Kubernetes', () => {
    const request = { user: user('joe'), verb: 'list', group: '', resource: 'pods', namespace: 'default' };
    expect(forbidden(request).message).toBe(
      'pods is forbidden: User "joe" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    expect(forbidden({ user: user('joe'), verb: 'get', path: '/x' }).message).toBe(
      'forbidden: User "joe" cannot get path "/x"',
    );
  });
});

describe('rulesCover', () => {
  it('finds each wanted verb, group, resource and name somewhere', () => {
    const held = [
      { verbs: ['get'], apiGroups: [''], resources: ['pods'] },
      { verbs: ['list'], apiGroups: [''], resources: ['pods', 'secrets'] },
    ];
    expect(rulesCover(held, { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] })).toBe(true);
    expect(rulesCover(held, { verbs: ['get'], apiGroups: [''], resources: ['pods', 'secrets'] })).toBe(false);
    expect(
      rulesCover([{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], {
        verbs: ['x'],
        apiGroups: ['y'],
        resources: ['z/w'],
      }),
    ).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { aggregatedRules } from './aggregated-rules.ts';
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

  it('tells the first subject of a binding that somebody is, and which roles are missing', () => {
    const { index } = rbac;
    index.setBinding({
      metadata: { name: 'both' },
      roleRef: roleRef('ClusterRole', 'reader'),
      subjects: [
        { kind: 'Group', name: 'nobody' },
        { kind: 'Group', name: 'some' },
        { kind: 'User', name: 'ann' },
      ],
    });
    expect(rbac.authorize({ user: user('ann', 'some'), verb: 'list', ...pods }).reason).toBe(
      'RBAC: allowed by ClusterRoleBinding "both" of ClusterRole "reader" to Group "some"',
    );
    expect(rbac.rulesFor(user('ann', 'some'), 'a').rules).toHaveLength(3);
    for (const [name, kind] of [
      ['one', 'Role'],
      ['two', 'ClusterRole'],
    ] as const) {
      index.setBinding({
        metadata: { name, namespace: 'a' },
        roleRef: roleRef(kind, 'none'),
        subjects: [{ kind: 'User', name: 'bob' }],
      });
    }
    expect(rbac.authorize({ user: user('bob'), verb: 'list', ...pods, namespace: 'a' })).toEqual({
      allowed: false,
      reason:
        'RBAC: [role.rbac.authorization.k8s.io "none" not found, clusterrole.rbac.authorization.k8s.io "none" not found]',
    });
  });
});

describe('aggregation', () => {
  const rule = (...verbs: string[]) => ({ verbs, apiGroups: [''], resources: ['pods'] });
  const role = (name: string, labels: Record<string, string>, ...rules: ReturnType<typeof rule>[]) => ({
    metadata: { name, labels },
    rules,
  });

  it('gathers by selector, then by name, each rule once, and nothing of its own', () => {
    const selector = (key: string) => ({ matchExpressions: [{ key, operator: 'Exists' }] });
    const admin = {
      ...role('admin', { a: '1', b: '1' }, rule('own')),
      aggregationRule: { clusterRoleSelectors: [selector('b'), selector('a')] },
    };
    const all = [
      role('z', { a: '1' }, rule('get'), rule('watch')),
      admin,
      role('y', { b: '1' }, rule('list')),
      role('c', { a: '1', b: '1' }, rule('get')),
    ];
    expect(aggregatedRules(admin, all)).toEqual([rule('get'), rule('list'), rule('watch')]);
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

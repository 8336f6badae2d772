import { ClusterRole, ClusterRoleBinding, type PolicyRule, Role, RoleBinding } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

const apiGroup = 'rbac.authorization.k8s.io';
const writes: PolicyRule = {
  apiGroups: [apiGroup],
  resources: ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'],
  verbs: ['create', 'update', 'patch', 'get'],
};

// What is expected here is what Kubernetes 1.35 answered to the same requests.
describe('handing on what one does not hold', () => {
  let server: TestApiServer;
  const as = (name: string) => server.clients.as({ name, groups: ['dev'] });
  const grant = async (user: string, rules: readonly PolicyRule[]) => {
    await server.client.create(ClusterRole, { metadata: { name: `for-${user}` }, rules });
    await server.client.create(ClusterRoleBinding, {
      metadata: { name: `for-${user}` },
      roleRef: { apiGroup, kind: 'ClusterRole', name: `for-${user}` },
      subjects: [{ kind: 'User', name: user, apiGroup }],
    });
    const asked = {
      user: { name: user, groups: [] },
      verb: 'create',
      group: apiGroup,
      version: 'v1',
      resource: 'roles',
    };
    await waitFor(async () => (await server.authorizer.authorize(asked)).allowed);
  };
  const role = (name: string, rules: readonly PolicyRule[]) => ({ metadata: { name, namespace: 'default' }, rules });
  const binding = (name: string, kind: 'Role' | 'ClusterRole', to: string) => ({
    metadata: { name, namespace: 'default' },
    roleRef: { apiGroup, kind, name: to },
    subjects: [{ kind: 'User', name: 'x', apiGroup }],
  });

  beforeAll(async () => {
    server = await startTestApiServer();
    await grant('jane', [writes, { apiGroups: [''], resources: ['pods'], verbs: ['get'] }]);
    await grant('escalator', [writes, { apiGroups: [apiGroup], resources: ['roles'], verbs: ['escalate'] }]);
    await grant('binder', [
      writes,
      { apiGroups: [apiGroup], resources: ['clusterroles'], resourceNames: ['view'], verbs: ['bind'] },
    ]);
  });
  afterAll(() => server.stop());

  it('refuses roles with more than their writer holds, and names what is missing', async () => {
    const wanted = role('r', [
      {
        apiGroups: ['', 'apps'],
        resources: ['pods', 'deployments/scale'],
        verbs: ['get', 'list'],
        resourceNames: ['x'],
      },
      { apiGroups: [''], resources: ['secrets'], verbs: ['*'] },
    ]);
    await expect(as('jane').create(Role, wanted)).rejects.toMatchObject({
      code: 403,
      message: `roles.rbac.authorization.k8s.io "r" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["deployments/scale"], ResourceNames:["x"], Verbs:["get" "list"]}
{APIGroups:[""], Resources:["pods"], ResourceNames:["x"], Verbs:["list"]}
{APIGroups:[""], Resources:["secrets"], Verbs:["*"]}
{APIGroups:["apps"], Resources:["deployments/scale"], ResourceNames:["x"], Verbs:["get" "list"]}
{APIGroups:["apps"], Resources:["pods"], ResourceNames:["x"], Verbs:["get" "list"]}`,
    });
    const paths = { metadata: { name: 'p' }, rules: [{ nonResourceURLs: ['/foo', '/bar/*'], verbs: ['get', 'put'] }] };
    await expect(as('jane').create(ClusterRole, paths)).rejects.toThrow(`not currently held:
{NonResourceURLs:["/bar/*"], Verbs:["get"]}
{NonResourceURLs:["/bar/*"], Verbs:["put"]}
{NonResourceURLs:["/foo"], Verbs:["get"]}
{NonResourceURLs:["/foo"], Verbs:["put"]}`);
    const aggregated = {
      metadata: { name: 'a' },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
    };
    await expect(as('jane').create(ClusterRole, aggregated)).rejects.toThrow(
      'clusterroles.rbac.authorization.k8s.io "a" is forbidden: must have cluster-admin privileges to use the aggregationRule',
    );
  });

  it('lets on what is held, and everything with the verb escalate', async () => {
    const held = role('held', [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]);
    await as('jane').create(Role, held);
    const secrets = role('secrets', [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }]);
    const made = await as('escalator').create(Role, secrets);
    await expect(
      as('jane').update(Role, { ...made, metadata: { ...made.metadata, annotations: { a: 'b' } } }),
    ).rejects.toThrow('{APIGroups:[""], Resources:["secrets"], Verbs:["*"]}');
    await as('jane').update(Role, { ...made, metadata: { ...made.metadata, finalizers: ['example.com/x'] } });
  });

  it('refuses bindings to roles with more than their writer holds, unless they may bind that role', async () => {
    await expect(as('jane').create(RoleBinding, binding('b', 'ClusterRole', 'view'))).rejects.toThrow(
      '{APIGroups:[""], Resources:["bindings"], Verbs:["get" "list" "watch"]}',
    );
    await expect(as('jane').create(RoleBinding, binding('b', 'Role', 'missing'))).rejects.toMatchObject({
      code: 404,
      message: 'rolebindings.rbac.authorization.k8s.io "missing" not found',
    });
    await as('jane').create(RoleBinding, binding('own', 'ClusterRole', 'for-jane'));
    await as('binder').create(RoleBinding, binding('bound', 'ClusterRole', 'view'));
    await expect(as('binder').create(RoleBinding, binding('c', 'ClusterRole', 'edit'))).rejects.toThrow('is forbidden');
  });

  it('looks at what is handed on before the object has a name and is found valid', async () => {
    const lacking = (name: string) =>
      `roles.rbac.authorization.k8s.io ${name}is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n`;
    const rules = [{ nonResourceURLs: ['/x'], verbs: ['get'] }];
    await expect(as('jane').create(Role, role('invalid', rules))).rejects.toMatchObject({
      code: 403,
      message: `${lacking('"invalid" ')}{NonResourceURLs:["/x"], Verbs:["get"]}`,
    });
    const generated = { metadata: { generateName: 'g-', namespace: 'default' }, rules };
    await expect(as('jane').create(Role, generated)).rejects.toMatchObject({
      message: `${lacking('')}{NonResourceURLs:["/x"], Verbs:["get"]}`,
    });
    const unbound = (kind: 'Role' | 'ClusterRole', to: string) =>
      as('jane').create(RoleBinding, binding('u', kind, to));
    await expect(unbound('ClusterRole', '')).rejects.toMatchObject({ code: 400, message: 'Name parameter required.' });
    const other = { ...binding('u', 'Role', 'x'), roleRef: { apiGroup, kind: 'Other', name: 'x' } };
    await expect(as('jane').create(RoleBinding, other)).rejects.toMatchObject({
      code: 500,
      message: 'unsupported role reference kind: "Other"',
    });
    const nobody = { ...binding('u', 'Role', 'missing'), subjects: [{ kind: 'Person', name: '' }] };
    await expect(as('jane').create(RoleBinding, nobody)).rejects.toMatchObject({ code: 404 });
  });

  it('tells of roles that are bound to somebody and do not exist', async () => {
    const dangling = binding('dangling', 'ClusterRole', 'none');
    await server.client.create(RoleBinding, { ...dangling, subjects: [{ kind: 'User', name: 'jane', apiGroup }] });
    const user = { name: 'jane', groups: [] };
    const asked = { user, verb: 'get', group: '', version: 'v1', resource: 'x', namespace: 'default' };
    await waitFor(async () => (await server.authorizer.authorize(asked)).reason !== '');
    expect((await server.authorizer.authorize(asked)).reason).toBe(
      'RBAC: clusterrole.rbac.authorization.k8s.io "none" not found',
    );
    const wanted = role('r', [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['watch'] }]);
    await expect(as('jane').create(Role, wanted)).rejects.toThrow(
      'not currently held:\n{APIGroups:["apps"], Resources:["deployments"], Verbs:["watch"]}; resolution errors: [roles.rbac.authorization.k8s.io "none" not found]',
    );
    await server.client.delete(RoleBinding, { name: 'dangling', namespace: 'default' });
    await waitFor(async () => (await server.authorizer.authorize(asked)).reason === '');
  });

  it('lets a role be bound that was made a moment ago', async () => {
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
    for (let index = 0; index < 20; index++) {
      await as('jane').create(Role, role(`fresh-${index}`, rules));
      await as('jane').create(RoleBinding, binding(`fresh-${index}`, 'Role', `fresh-${index}`));
    }
  });
});

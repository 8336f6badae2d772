import {
  ClusterRole,
  ClusterRoleBinding,
  deepEqual,
  type KubernetesObject,
  type PolicyRule,
  Role,
  RoleBinding,
  type RoleRef,
  StatusError,
  validatePathSegment,
} from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';
import { objectAs } from '../admission/narrow.ts';
import type { Authorizer, UserInfo } from '../registry/contract.ts';
import type { WriteGuard } from '../registry/write-guard.ts';
import { together } from './authorizer-chain.ts';
import type { HeldRules } from './rbac-authorizer.ts';
import { compactRules, describeRule } from './rule-text.ts';

export interface EscalationCheckOptions {
  readonly authorizer: Authorizer & {
    notCovered(user: UserInfo, namespace: string | undefined, wanted: readonly PolicyRule[]): HeldRules;
  };
  /** Members of it may hand on everything. */
  readonly mastersGroup: string;
  /** What a role allows now; `undefined` where there is no such role. */
  rulesOf(role: RoleRef, namespace: string | undefined): Promise<readonly PolicyRule[] | undefined>;
}

const group = 'rbac.authorization.k8s.io';
const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** The resource that a role is of; `undefined`: there is no such kind of role. */
const resourceOf = (kind: string) => (kind === 'ClusterRole' ? 'clusterroles' : kind === 'Role' ? 'roles' : undefined);

/**
 * Nobody hands on more than they hold: who writes a role holds all of its rules or may `escalate`, and who binds one
 * holds its rules or may `bind` it (kubernetes.io/docs/reference/access-authn-authz/rbac, privilege escalation).
 */
export function escalationCheck({ authorizer, mastersGroup, rulesOf }: EscalationCheckOptions): WriteGuard {
  const may = async ({ user, namespace }: AdmissionAttributes, verb: string, role: Asked) => {
    return (await authorizer.authorize({ user, verb, version: '*', namespace, ...role })).allowed;
  };

  const confirm = (attributes: AdmissionAttributes, rules: readonly PolicyRule[]) => {
    const { user, namespace, resource } = attributes;
    const { rules: lacking, missing } = authorizer.notCovered(user, namespace, rules);
    if (lacking.length === 0) return;
    const groups = user.groups.map((each) => JSON.stringify(each)).join(' ');
    const lines = [...new Set(compactRules(lacking).map(describeRule))].sort();
    // What is missing goes by the resource that is asked for, as in all that the real server's storage says.
    const unknown = missing.map(({ name }) => `${resource}.${group} ${JSON.stringify(name)} not found`);
    const unresolved = unknown.length > 0 ? `; resolution errors: [${together(unknown)}]` : '';
    throw refused(
      attributes,
      `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${unresolved}`,
    );
  };

  const checkRole = async (attributes: AdmissionAttributes, role: Role | ClusterRole, asked: string | undefined) => {
    const { user, namespace, resource, oldObject } = attributes;
    if (await may(attributes, 'escalate', { group, resource, name: asked })) return;
    confirm(attributes, role.rules ?? []);
    const aggregates = [role, oldObject].some((each) => each !== undefined && isAggregated(each));
    if (aggregates && authorizer.notCovered(user, namespace, everything).rules.length > 0) {
      throw refused(attributes, 'must have cluster-admin privileges to use the aggregationRule');
    }
  };

  const checkBinding = async (attributes: AdmissionAttributes, roleRef: RoleRef) => {
    const { kind = '', name = '', apiGroup = '' } = roleRef ?? {};
    const resource = resourceOf(kind);
    if (resource && (await may(attributes, 'bind', { group: apiGroup, resource, name }))) return;
    if (!resource) throw unsupported(kind);
    checkReference(resource, name, attributes.namespace);
    const rules = await rulesOf(roleRef, attributes.namespace);
    if (!rules) throw StatusError.notFound({ group, resource: attributes.resource }, name);
    confirm(attributes, rules);
  };

  return {
    group,
    async check(attributes, asked) {
      const { operation, user, oldObject, object } = attributes;
      if (object === undefined || operation === 'DELETE' || user.groups.includes(mastersGroup)) return;
      if (oldObject && sameButForOwners(object, oldObject)) return;
      const role = objectAs(attributes, Role) ?? objectAs(attributes, ClusterRole);
      if (role) await checkRole(attributes, role, asked);
      const binding = objectAs(attributes, RoleBinding) ?? objectAs(attributes, ClusterRoleBinding);
      if (binding) await checkBinding(attributes, binding.roleRef);
    },
  };
}

interface Asked {
  readonly group: string;
  readonly resource: string;
  readonly name: string | undefined;
}

/** A role that is looked for by a name that none has is no object that is missing. */
function checkReference(resource: string, name: string, namespace: string | undefined): void {
  if (resource === 'roles' && !namespace) throw StatusError.badRequest('Namespace parameter required.');
  if (name === '') throw StatusError.badRequest('Name parameter required.');
  const problems = validatePathSegment(name);
  if (problems.length === 0) return;
  throw StatusError.badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${problems.join(';')}`);
}

const unsupported = (kind: string) =>
  new StatusError({
    status: 'Failure',
    message: `unsupported role reference kind: ${JSON.stringify(kind)}`,
    code: 500,
  });

const isAggregated = (role: KubernetesObject & Pick<ClusterRole, 'aggregationRule'>) =>
  (role.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;

const refused = ({ resource, object }: AdmissionAttributes, why: string) =>
  StatusError.forbidden({ group, resource }, object?.metadata.name ?? '', why);

/** The garbage collector changes owners and finalizers of roles whose rules it does not hold. */
function sameButForOwners(a: KubernetesObject, b: KubernetesObject): boolean {
  return deepEqual(withoutOwners(a), withoutOwners(b));
}

function withoutOwners(object: KubernetesObject): unknown {
  const { ownerReferences, finalizers, managedFields, selfLink, ...metadata } = object.metadata;
  return { ...object, metadata };
}

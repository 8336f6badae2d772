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
} from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import { objectAs } from '../admission/narrow.ts';
import type { AuthorizationDecision, AuthorizationRequest, UserInfo } from '../registry/contract.ts';
import type { HeldRules } from './rbac-authorizer.ts';
import { compactRules, describeRule } from './rule-text.ts';

export interface EscalationCheckOptions {
  readonly authorizer: {
    authorize(request: AuthorizationRequest): AuthorizationDecision | Promise<AuthorizationDecision>;
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

/**
 * Nobody hands on more than they hold: who writes a role holds all of its rules or may `escalate`, and who binds one
 * holds its rules or may `bind` it (kubernetes.io/docs/reference/access-authn-authz/rbac, privilege escalation).
 */
export function escalationCheck({ authorizer, mastersGroup, rulesOf }: EscalationCheckOptions): AdmissionPlugin {
  const may = async (attributes: AdmissionAttributes, verb: string, resource: string, name: string) => {
    const decision = await authorizer.authorize({
      user: attributes.user,
      verb,
      group,
      version: '*',
      resource,
      namespace: attributes.namespace,
      name,
    });
    return decision.allowed;
  };

  const confirm = (attributes: AdmissionAttributes, rules: readonly PolicyRule[]) => {
    const { rules: missing, errors } = authorizer.notCovered(attributes.user, attributes.namespace, rules);
    if (missing.length === 0) return;
    const { user } = attributes;
    const groups = user.groups.map((each) => JSON.stringify(each)).join(' ');
    const lines = [...new Set(compactRules(missing).map(describeRule))].sort();
    const unresolved = errors.length > 0 ? `; resolution errors: [${errors.join(' ')}]` : '';
    throw refused(
      attributes,
      `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${unresolved}`,
    );
  };

  return {
    name: 'RBACEscalation',
    async validate(attributes) {
      const { operation, user, oldObject, object } = attributes;
      if (attributes.group !== group || object === undefined || operation === 'DELETE') return;
      if (user.groups.includes(mastersGroup) || (oldObject && sameButForOwners(object, oldObject))) return;
      const role = objectAs(attributes, Role) ?? objectAs(attributes, ClusterRole);
      if (role) {
        if (await may(attributes, 'escalate', attributes.resource, operation === 'CREATE' ? '' : attributes.name))
          return;
        confirm(attributes, role.rules ?? []);
        const aggregates = [object, oldObject].some((each) => each !== undefined && 'aggregationRule' in each);
        if (aggregates && authorizer.notCovered(user, attributes.namespace, everything).rules.length > 0) {
          throw refused(attributes, 'must have cluster-admin privileges to use the aggregationRule');
        }
      }
      const binding = objectAs(attributes, RoleBinding) ?? objectAs(attributes, ClusterRoleBinding);
      if (binding) {
        const { roleRef } = binding;
        if (await may(attributes, 'bind', roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles', roleRef.name))
          return;
        const rules = await rulesOf(roleRef, attributes.namespace);
        if (!rules) throw StatusError.notFound({ group, resource: attributes.resource }, roleRef.name);
        confirm(attributes, rules);
      }
    },
  };
}

const refused = ({ resource, name }: AdmissionAttributes, why: string) =>
  StatusError.forbidden({ group, resource }, name, why);

/** The garbage collector changes owners and finalizers of roles whose rules it does not hold. */
function sameButForOwners(a: KubernetesObject, b: KubernetesObject): boolean {
  return deepEqual(withoutOwners(a), withoutOwners(b));
}

function withoutOwners(object: KubernetesObject): unknown {
  const { ownerReferences, finalizers, managedFields, resourceVersion, ...metadata } = object.metadata;
  return { ...object, metadata };
}

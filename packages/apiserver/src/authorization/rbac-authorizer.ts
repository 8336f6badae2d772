import type { PolicyRule } from '@keelson/core';
import type { AuthorizationDecision, AuthorizationRequest, Authorizer, UserInfo } from '../registry/contract.ts';
import { RbacIndex } from './rbac-index.ts';
import { ruleAllows, rulesCover } from './rule-matching.ts';
import { breakDown } from './rule-text.ts';

export const mastersGroup = 'system:masters';

/** Role-based access control. Decides from its index; `RbacFeed` keeps that current. */
export class RbacAuthorizer implements Authorizer {
  readonly index = new RbacIndex();

  authorize(asked: AuthorizationRequest): AuthorizationDecision {
    const request = inOwnNamespace(asked);
    if (request.user.groups.includes(mastersGroup)) return { allowed: true, reason: '' };
    for (const grant of this.index.grantsOf(request.user, request.namespace)) {
      for (const rule of grant.rules) if (ruleAllows(rule, request)) return { allowed: true, reason: grant.reason };
    }
    return { allowed: false, reason: '' };
  }

  /** Everything that a user may do in a namespace, for SelfSubjectRulesReview. */
  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    const granted = [...this.index.grantsOf(user, namespace)].flatMap((grant) => grant.rules);
    const everything = [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ];
    return user.groups.includes(mastersGroup) ? [...granted, ...everything] : granted;
  }

  /** What of `wanted` a user does not hold already, and so may not hand on: a rule for each verb and resource or path. */
  notCovered(user: UserInfo, namespace: string | undefined, wanted: readonly PolicyRule[]): readonly PolicyRule[] {
    const held = this.rulesFor(user, namespace ?? '');
    return breakDown(wanted).filter((rule) => !rulesCover(held, rule));
  }
}

/** A Namespace is in itself: a RoleBinding inside of it may grant reading it, though not listing by its name. */
function inOwnNamespace(request: AuthorizationRequest): AuthorizationRequest {
  if (request.resource !== 'namespaces' || (request.group ?? '') !== '' || request.fieldSelector) return request;
  return request.namespace || !request.name ? request : { ...request, namespace: request.name };
}

import type { PolicyRule, RoleRef } from '@keelson/core';
import type { AuthorizationDecision, AuthorizationRequest, Authorizer, UserInfo } from '../registry/contract.ts';
import { together } from './authorizer-chain.ts';
import { RbacIndex, reasonOf } from './rbac-index.ts';
import { ruleAllows, rulesCover } from './rule-matching.ts';
import { breakDown } from './rule-text.ts';

export const mastersGroup = 'system:masters';

/** Rules that somebody holds or lacks, and the roles that are bound to them and do not exist. */
export interface HeldRules {
  readonly rules: readonly PolicyRule[];
  readonly missing: readonly RoleRef[];
}

/** Role-based access control. Decides from its index; `RbacFeed` keeps that current. */
export class RbacAuthorizer implements Authorizer {
  readonly index = new RbacIndex();

  authorize(request: AuthorizationRequest): AuthorizationDecision {
    const { user, namespace } = request;
    if (user.groups.includes(mastersGroup)) return masters;
    let missing: readonly string[] | undefined;
    for (const binding of this.index.bindingsOf(user, namespace)) {
      const rules = this.index.rulesOf(binding);
      if (!rules) missing = [...(missing ?? []), noRole(binding.roleRef)];
      else if (rules.some((rule) => ruleAllows(rule, request))) {
        return { allowed: true, reason: reasonOf(binding, user) };
      }
    }
    return missing ? { allowed: false, reason: `RBAC: ${together(missing)}` } : noOpinion;
  }

  /** Everything that a user may do in a namespace: what several bindings give is told for each of them. */
  rulesFor(user: UserInfo, namespace: string): HeldRules {
    const rules: PolicyRule[] = [];
    const missing: RoleRef[] = [];
    for (const binding of new Set(this.index.bindingsOf(user, namespace))) {
      const found = this.index.rulesOf(binding);
      if (found) rules.push(...found);
      else missing.push(binding.roleRef);
    }
    return { rules, missing };
  }

  /** What of `wanted` a user does not hold already, and so may not hand on: a rule for each verb and resource or path. */
  notCovered(user: UserInfo, namespace: string | undefined, wanted: readonly PolicyRule[]): HeldRules {
    const { rules: held, missing } = this.rulesFor(user, namespace ?? '');
    return { rules: breakDown(wanted).filter((rule) => !rulesCover(held, rule)), missing };
  }
}

const masters: AuthorizationDecision = { allowed: true, reason: '' };
const noOpinion: AuthorizationDecision = { allowed: false, reason: '' };

/** Says that a role is not there, as an authorizer does. */
export const noRole = ({ kind, name }: RoleRef) =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`;

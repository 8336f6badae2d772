import type { PolicyRule } from '@keelson/core';
import type { AuthorizationDecision, AuthorizationRequest, Authorizer, UserInfo } from '../registry/contract.ts';
import { together } from './authorizer-chain.ts';
import { type Binding, RbacIndex, reasonOf } from './rbac-index.ts';
import { ruleAllows, rulesCover } from './rule-matching.ts';
import { breakDown } from './rule-text.ts';

export const mastersGroup = 'system:masters';

/** What somebody holds, and what kept the rest from being known. */
export interface HeldRules {
  readonly rules: readonly PolicyRule[];
  readonly errors: readonly string[];
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
      if (!rules) missing = [...(missing ?? []), noRole(binding)];
      else if (rules.some((rule) => ruleAllows(rule, request))) {
        return { allowed: true, reason: reasonOf(binding, user) };
      }
    }
    return missing ? { allowed: false, reason: `RBAC: ${together(missing)}` } : noOpinion;
  }

  /** Everything that a user may do in a namespace: what several bindings give is told for each of them. */
  rulesFor(user: UserInfo, namespace: string): HeldRules {
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    for (const binding of new Set(this.index.bindingsOf(user, namespace))) {
      const found = this.index.rulesOf(binding);
      if (found) rules.push(...found);
      else errors.push(noRole(binding));
    }
    return { rules, errors };
  }

  /** What of `wanted` a user does not hold already, and so may not hand on: a rule for each verb and resource or path. */
  notCovered(user: UserInfo, namespace: string | undefined, wanted: readonly PolicyRule[]): HeldRules {
    const { rules: held, errors } = this.rulesFor(user, namespace ?? '');
    return { rules: breakDown(wanted).filter((rule) => !rulesCover(held, rule)), errors };
  }
}

const masters: AuthorizationDecision = { allowed: true, reason: '' };
const noOpinion: AuthorizationDecision = { allowed: false, reason: '' };

const noRole = ({ roleRef: { kind, name } }: Binding) =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`;

import type { AuthorizationRequest, Authorizer } from '../registry/contract.ts';

/** Asks one after the other until one allows; the reasons of those that do not are told together, a line each. */
export function authorizerChain(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(request: AuthorizationRequest) {
      let reason = '';
      for (const each of authorizers) {
        const decision = each.authorize(request);
        if (decision.allowed) return decision;
        if (decision.reason !== '') reason = reason === '' ? decision.reason : `${reason}\n${decision.reason}`;
      }
      return { allowed: false, reason };
    },
  };
}

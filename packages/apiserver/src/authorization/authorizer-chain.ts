import type { AuthorizationDecision, AuthorizationRequest, Authorizer } from '../registry/contract.ts';

/**
 * Asks one after the other until one allows or denies; the reasons of those without opinion are told together, a line
 * each, and so is what kept them from one. Answers at once where nobody has to be waited for.
 */
export function authorizerChain(authorizers: readonly Authorizer[]): Authorizer {
  return { authorize: (request) => askFrom(authorizers, 0, request, none) };
}

interface Undecided {
  readonly reason: string;
  readonly errors: readonly string[];
}

const none: Undecided = { reason: '', errors: [] };

function askFrom(
  authorizers: readonly Authorizer[],
  first: number,
  request: AuthorizationRequest,
  before: Undecided,
): AuthorizationDecision | Promise<AuthorizationDecision> {
  let undecided = before;
  for (let at = first; at < authorizers.length; at++) {
    const decision = authorizers[at]?.authorize(request);
    if (decision === undefined) continue;
    if (decision instanceof Promise) {
      const earlier = undecided;
      return decision.then((each) =>
        each.allowed || each.denied ? each : askFrom(authorizers, at + 1, request, withOpinion(earlier, each)),
      );
    }
    if (decision.allowed || decision.denied) return decision;
    undecided = withOpinion(undecided, decision);
  }
  const { reason, errors } = undecided;
  return { allowed: false, reason, ...(errors.length > 0 && { error: together(errors) }) };
}

function withOpinion(undecided: Undecided, { reason, error }: AuthorizationDecision): Undecided {
  if (reason === '' && error === undefined) return undecided;
  return {
    reason: [undecided.reason, reason].filter((each) => each !== '').join('\n'),
    errors: error === undefined ? undecided.errors : [...undecided.errors, error],
  };
}

/** As Go tells several errors: each once. */
export function together(errors: readonly string[]): string {
  const unique = [...new Set(errors)];
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`;
}

import { z } from 'zod';

const reference = z.object({ name: z.string(), uid: z.string().default('') });

/** The claims of a ServiceAccount token; the private ones under `kubernetes.io` (KEP-1205, KEP-4193). */
export const ServiceAccountClaims = z.object({
  iss: z.string(),
  aud: z.union([z.string().transform((each) => [each]), z.array(z.string())]).default([]),
  exp: z.number().optional(),
  iat: z.number().optional(),
  nbf: z.number().optional(),
  jti: z.string().optional(),
  'kubernetes.io': z.object({
    namespace: z.string().min(1),
    serviceaccount: reference,
    pod: reference.optional(),
    secret: reference.optional(),
    node: reference.optional(),
    warnafter: z.number().optional(),
  }),
});
export type ServiceAccountClaims = z.infer<typeof ServiceAccountClaims>;

/** An object that a token is bound to: gone, or made anew under the same name, the token is void. */
export interface BoundObject {
  readonly resource: 'pods' | 'secrets' | 'nodes' | 'serviceaccounts';
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}

/** What must still exist, with the same uid, for a token to be good; the account first. */
export function boundObjectsOf(claims: ServiceAccountClaims): readonly BoundObject[] {
  const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io'];
  return [
    { resource: 'serviceaccounts', namespace, ...serviceaccount },
    ...(secret ? [{ resource: 'secrets' as const, namespace, ...secret }] : []),
    ...(pod ? [{ resource: 'pods' as const, namespace, ...pod }] : []),
    // A pod's token names its node for information; only a token without pod is bound to it.
    ...(node && !pod ? [{ resource: 'nodes' as const, ...node }] : []),
  ];
}

/** What is stored of an object that a token is bound to. */
export interface BoundState {
  readonly uid: string;
  /** Milliseconds since the epoch. */
  readonly deletedAt?: number;
}

/** Clocks differ by so much; milliseconds. */
export const leewayMs = 60_000;

const invalidated = 'service account token has been invalidated';
const uidMismatch: Readonly<Record<BoundObject['resource'], (now: string, claim: string) => string>> = {
  serviceaccounts: (now, claim) => `service account UID (${now}) does not match claim (${claim})`,
  secrets: (now, claim) => `secret UID (${now}) does not match service account secret ref claim (${claim})`,
  pods: (now, claim) => `pod UID (${now}) does not match service account pod ref claim (${claim})`,
  nodes: (now, claim) => `node UID (${now}) does not match service account node ref claim (${claim})`,
};

/** Why a token is no good, seen from one of the objects that it is bound to; `undefined`: it is. In Kubernetes' words. */
export function boundProblem(bound: BoundObject, state: BoundState | undefined, now: number): string | undefined {
  const { resource, name, uid } = bound;
  if (!state) return resource === 'serviceaccounts' ? `${resource} ${JSON.stringify(name)} not found` : invalidated;
  if (state.uid !== uid) return uidMismatch[resource](state.uid, uid);
  return state.deletedAt !== undefined && state.deletedAt < now - leewayMs ? invalidated : undefined;
}

/** Why a token is no good at this time; `undefined`: it is. In Kubernetes' words. */
export function timeProblem({ exp, nbf, iat }: ServiceAccountClaims, now: number): string | undefined {
  if (nbf !== undefined && nbf * 1000 > now + leewayMs) return 'service account token is not valid yet';
  if (exp !== undefined && exp * 1000 < now - leewayMs) return 'service account token has expired';
  return iat !== undefined && iat * 1000 > now + leewayMs ? 'service account token is issued in the future' : undefined;
}

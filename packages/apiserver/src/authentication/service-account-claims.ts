import { z } from 'zod';

const reference = z.object({ name: z.string(), uid: z.string() });

/** The private claims of a ServiceAccount token, under `kubernetes.io` (KEP-1205, KEP-4193). */
export const ServiceAccountClaims = z.object({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string().transform((each) => [each]), z.array(z.string())]),
  exp: z.number(),
  iat: z.number(),
  nbf: z.number().optional(),
  jti: z.string().optional(),
  'kubernetes.io': z.object({
    namespace: z.string(),
    serviceaccount: reference,
    pod: reference.optional(),
    secret: reference.optional(),
    node: z.object({ name: z.string(), uid: z.string().optional() }).optional(),
    warnafter: z.number().optional(),
  }),
});
export type ServiceAccountClaims = z.infer<typeof ServiceAccountClaims>;

/** An object that a token is bound to: gone, or made anew under the same name, the token is void. */
export interface BoundObject {
  readonly resource: 'pods' | 'secrets' | 'nodes' | 'serviceaccounts';
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string | undefined;
}

/** What must still exist, with the same uid, for a token to be good. */
export function boundObjectsOf(claims: ServiceAccountClaims): readonly BoundObject[] {
  const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io'];
  return [
    { resource: 'serviceaccounts', namespace, ...serviceaccount },
    ...(pod ? [{ resource: 'pods' as const, namespace, ...pod }] : []),
    ...(secret ? [{ resource: 'secrets' as const, namespace, ...secret }] : []),
    // A pod's token names its node for information; only a token without pod is bound to it.
    ...(node && !pod ? [{ resource: 'nodes' as const, name: node.name, uid: node.uid }] : []),
  ];
}

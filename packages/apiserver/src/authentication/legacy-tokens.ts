import { createHash, timingSafeEqual } from 'node:crypto';
import type { KubernetesObject } from '@keelson/core';
import { z } from 'zod';

/** The `iss` of tokens that live in Secrets, without end and without audience. */
export const legacyIssuer = 'kubernetes/serviceaccount';
export const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
export const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';

const claim = (name: string) => `kubernetes.io/serviceaccount/${name}`;

const Claims = z.object({
  sub: z.string().default(''),
  [claim('namespace')]: z.string().default(''),
  [claim('secret.name')]: z.string().default(''),
  [claim('service-account.name')]: z.string().default(''),
  [claim('service-account.uid')]: z.string().default(''),
});

export interface LegacyIdentity {
  readonly namespace: string;
  readonly secret: string;
  readonly name: string;
  readonly uid: string;
}

/** Throws, in Kubernetes' words, for claims that say no account. */
export function legacyIdentity(payload: unknown): LegacyIdentity {
  const parsed = Claims.safeParse(payload);
  if (!parsed.success) throw new Error('the claims of the token cannot be read');
  const read = (name: string) => String(parsed.data[name] ?? '');
  const found = {
    namespace: read(claim('namespace')),
    secret: read(claim('secret.name')),
    name: read(claim('service-account.name')),
    uid: read(claim('service-account.uid')),
  };
  const missing = [
    ['sub', read('sub')],
    ['namespace', found.namespace],
    ['secretName', found.secret],
    ['serviceAccountName', found.name],
    ['serviceAccountUID', found.uid],
  ].find(([, value]) => value === '')?.[0];
  if (missing !== undefined) throw new Error(`${missing} claim is missing`);
  if (read('sub') !== `system:serviceaccount:${found.namespace}:${found.name}`) throw new Error('sub claim is invalid');
  return found;
}

const TokenSecret = z.object({ data: z.object({ token: z.string() }).optional() });

/** Why a token is not that of its Secret; `undefined`: it is. In Kubernetes' words. */
export function legacySecretProblem(
  token: string,
  { namespace, secret: name, name: account }: LegacyIdentity,
  secret: KubernetesObject | undefined,
): string | undefined {
  const parsed = TokenSecret.safeParse(secret);
  if (!secret || !parsed.success || secret.metadata.deletionTimestamp) return 'Token has been invalidated';
  const stored = Buffer.from(parsed.data.data?.token ?? '', 'base64').toString('utf8');
  if (!timingSafeEqual(digestOf(stored), digestOf(token))) return "Token does not match server's copy";
  if (secret.metadata.labels?.[invalidSinceLabel] === undefined) return undefined;
  return (
    `the token in secret ${namespace}/${name} for service account ${namespace}/${account} has been marked invalid. ` +
    'Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the ' +
    `'${invalidSinceLabel}' label from the secret to temporarily allow use of this token`
  );
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();

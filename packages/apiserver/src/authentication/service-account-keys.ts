import { createHash, type KeyObject } from 'node:crypto';
import { exportJWK, type JWK } from 'jose';

/** With what ServiceAccount tokens are signed, and what proves them. */
export interface ServiceAccountKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Public halves of keys that sign no more; what they have signed is good as long as it says. */
  readonly retired?: readonly KeyObject[];
}

export interface VerificationKey {
  /** As in the header `kid`: the SHA-256 of the key's SubjectPublicKeyInfo, as Kubernetes names keys. */
  readonly id: string;
  readonly key: KeyObject;
  readonly algorithm: string;
}

const curves: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
const known = new WeakMap<KeyObject, VerificationKey>();

/** Throws for a key that tokens are not signed with. A key has one algorithm: what a token says of it counts nothing. */
export function verificationKey(key: KeyObject): VerificationKey {
  const found = known.get(key);
  if (found) return found;
  const algorithm = key.asymmetricKeyType === 'rsa' ? 'RS256' : curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (algorithm === undefined) throw new Error('keys of ServiceAccount tokens are RSA, or EC on P-256, P-384 or P-521');
  const id = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  const made = { id, key, algorithm };
  known.set(key, made);
  return made;
}

/** The one that signs first. */
export function verificationKeys({ publicKey, retired = [] }: ServiceAccountKeys): readonly VerificationKey[] {
  return [publicKey, ...retired].map(verificationKey);
}

/** RFC 7517, members in the order in which Kubernetes gives them. */
export async function jwkOf({ key, id, algorithm }: VerificationKey): Promise<JWK> {
  const { kty, crv, x, y, n, e } = await exportJWK(key);
  const own = { use: 'sig', ...(kty !== undefined && { kty }), kid: id };
  return crv === undefined
    ? { ...own, alg: algorithm, ...(n !== undefined && { n }), ...(e !== undefined && { e }) }
    : { ...own, crv, alg: algorithm, ...(x !== undefined && { x }), ...(y !== undefined && { y }) };
}

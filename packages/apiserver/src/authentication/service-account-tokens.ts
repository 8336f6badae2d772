import { createHash, type KeyObject, randomUUID } from 'node:crypto';
import { type Clock, StatusError } from '@keelson/core';
import { exportJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import type { UserInfo } from '../registry/contract.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './contract.ts';
import { type BoundObject, boundObjectsOf, ServiceAccountClaims } from './service-account-claims.ts';

const algorithm = 'ES256';
/** Tokens whose signature was checked lately; beyond this many the oldest is forgotten. */
const cacheSize = 4096;

/** Reads the uid of an object as it is stored now, without going through authorization; `undefined`: no such object. */
export type UidReader = (object: Omit<BoundObject, 'uid'>) => Promise<string | undefined>;

export interface ServiceAccountTokensOptions {
  readonly clock: Clock;
  readonly issuer: string;
  /** Asked for at the first token: keys may be opened later than this is made. */
  readonly key: () => { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  /** The audiences of a token that names none; also those under which this server accepts tokens. */
  readonly audiences?: readonly string[];
  readonly uidOf: UidReader;
}

/** What a TokenRequest asks for. */
export interface TokenSpec {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences?: readonly string[];
  /** Default 3600. */
  readonly expirationSeconds?: number;
  readonly boundObject?: { readonly kind: 'Pod' | 'Secret' | 'Node'; readonly name: string; readonly uid: string };
  /** The node of a bound pod, for information. */
  readonly node?: { readonly name: string; readonly uid?: string };
}

/** Makes ServiceAccount tokens; what stands behind the `token` subresource. */
export interface TokenIssuer {
  /** `expirationTimestamp` is RFC 3339. */
  issue(spec: TokenSpec): Promise<{ readonly token: string; readonly expirationTimestamp: string }>;
}

/** Issues and checks the JWTs of ServiceAccounts (KEP-1205: bound, expiring, with audiences). */
export class ServiceAccountTokens implements TokenIssuer, TokenAuthenticator {
  readonly #options: ServiceAccountTokensOptions;
  #keyId: string | undefined;
  readonly #audiences: readonly string[];
  readonly #verified = new Map<string, ServiceAccountClaims>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
    this.#audiences = options.audiences ?? [options.issuer];
  }

  async issue(spec: TokenSpec): Promise<{ token: string; expirationTimestamp: string }> {
    const now = Math.floor(this.#options.clock.now() / 1000);
    const expires = now + (spec.expirationSeconds ?? 3600);
    const bound = spec.boundObject;
    const reference = bound && { name: bound.name, uid: bound.uid };
    const claims = {
      'kubernetes.io': {
        namespace: spec.namespace,
        ...(bound?.kind === 'Node' && { node: reference }),
        ...(bound?.kind === 'Pod' && spec.node && { node: spec.node }),
        ...(bound?.kind === 'Pod' && { pod: reference }),
        ...(bound?.kind === 'Secret' && { secret: reference }),
        serviceaccount: { name: spec.name, uid: spec.uid },
      },
    };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, kid: this.#kid() })
      .setIssuer(this.#options.issuer)
      .setSubject(`system:serviceaccount:${spec.namespace}:${spec.name}`)
      .setAudience([...(spec.audiences?.length ? spec.audiences : this.#audiences)])
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(expires)
      .setJti(randomUUID())
      .sign(this.#options.key().privateKey);
    return { token, expirationTimestamp: `${new Date(expires * 1000).toISOString().slice(0, 19)}Z` };
  }

  async authenticateToken(token: string, audiences = this.#audiences): Promise<AuthenticatedToken | undefined> {
    if (issuerOf(token) !== this.#options.issuer) return undefined;
    const claims = await this.#verify(token);
    const seconds = this.#options.clock.now() / 1000;
    if (seconds >= claims.exp || (claims.nbf !== undefined && seconds + 1 < claims.nbf))
      throw StatusError.unauthorized();
    const accepted = claims.aud.filter((each) => audiences.includes(each));
    if (accepted.length === 0) throw StatusError.unauthorized();
    for (const { uid, ...object } of boundObjectsOf(claims)) {
      const current = await this.#options.uidOf(object);
      if (current === undefined || (uid !== undefined && current !== uid)) throw StatusError.unauthorized();
    }
    return { user: userOf(claims), audiences: accepted };
  }

  /** RFC 7517 key set with the public half, for `/openid/v1/jwks`. */
  async jwks(): Promise<{ readonly keys: readonly JWK[] }> {
    const jwk = await exportJWK(this.#options.key().publicKey);
    return { keys: [{ use: 'sig', ...jwk, kid: this.#kid(), alg: algorithm }] };
  }

  get signingAlgorithm(): string {
    return algorithm;
  }

  /** Of a token that asked for none. */
  get audiences(): readonly string[] {
    return this.#audiences;
  }

  get issuer(): string {
    return this.#options.issuer;
  }

  #kid(): string {
    const spki = this.#options.key().publicKey.export({ type: 'spki', format: 'der' });
    this.#keyId ??= createHash('sha256').update(spki).digest('base64url');
    return this.#keyId;
  }

  async #verify(token: string): Promise<ServiceAccountClaims> {
    const digest = createHash('sha256').update(token).digest('base64url');
    const known = this.#verified.get(digest);
    if (known) return known;
    let payload: unknown;
    try {
      const now = new Date(this.#options.clock.now());
      const options = { issuer: this.#options.issuer, algorithms: [algorithm], currentDate: now, clockTolerance: 1 };
      ({ payload } = await jwtVerify(token, this.#options.key().publicKey, options));
    } catch {
      // Whatever is wrong with a token, the one who sent it learns nothing but that it is not good.
      throw StatusError.unauthorized();
    }
    const claims = ServiceAccountClaims.safeParse(payload);
    if (!claims.success) throw StatusError.unauthorized();
    const oldest = this.#verified.size >= cacheSize ? this.#verified.keys().next().value : undefined;
    if (oldest !== undefined) this.#verified.delete(oldest);
    this.#verified.set(digest, claims.data);
    return claims.data;
  }
}

function issuerOf(token: string): string | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const decoded: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof decoded === 'object' && decoded !== null && 'iss' in decoded ? String(decoded.iss) : undefined;
  } catch {
    return undefined;
  }
}

function userOf(claims: ServiceAccountClaims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io'];
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: {
      ...(claims.jti !== undefined && { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] }),
      ...(node && { 'authentication.kubernetes.io/node-name': [node.name] }),
      ...(node?.uid !== undefined && { 'authentication.kubernetes.io/node-uid': [node.uid] }),
      ...(pod && { 'authentication.kubernetes.io/pod-name': [pod.name] }),
      ...(pod && { 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
    },
  };
}

import { randomUUID } from 'node:crypto';
import type { Clock, KubernetesObject } from '@keelson/core';
import { compactVerify, decodeProtectedHeader, type JWK, SignJWT } from 'jose';
import type { UserInfo } from '../registry/contract.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './contract.ts';
import { lastUsedLabel, legacyIdentity, legacyIssuer, legacySecretProblem } from './legacy-tokens.ts';
import {
  type BoundObject,
  boundObjectsOf,
  boundProblem,
  leewayMs,
  ServiceAccountClaims,
  timeProblem,
} from './service-account-claims.ts';
import { jwkOf, type ServiceAccountKeys, verificationKey, verificationKeys } from './service-account-keys.ts';

/** Reads an object as it is stored now, without going through authorization; `undefined`: no such object. */
export type ObjectReader = (object: Omit<BoundObject, 'uid'>) => Promise<KubernetesObject | undefined>;

export interface ServiceAccountTokensOptions {
  readonly clock: Clock;
  /** The `iss` of tokens; several: the first one signs, all are believed. */
  readonly issuer: string | readonly string[];
  /** Asked for at each token: keys may be opened later than this is made, and change. */
  readonly key: () => ServiceAccountKeys;
  /** The audiences of a token that names none; also those under which this server accepts tokens. Default: the issuers. */
  readonly audiences?: readonly string[];
  readonly read: ObjectReader;
  /** Writes down that the token of a Secret was used on a day (`YYYY-MM-DD`). */
  readonly markUsed?: (secret: KubernetesObject, day: string) => Promise<void>;
  /** Told of each use of a token that is good. */
  readonly used?: (kind: 'valid' | 'stale' | 'legacy') => void;
}

/** What a TokenRequest asks for. */
export interface TokenSpec {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences?: readonly string[];
  /** Default 3600. */
  readonly expirationSeconds?: number;
  /** From when on its use is counted as stale, in seconds from now: its owner should have renewed it. */
  readonly warnAfterSeconds?: number;
  readonly boundObject?: { readonly kind: 'Pod' | 'Secret' | 'Node'; readonly name: string; readonly uid: string };
  /** The node of a bound pod, for information. */
  readonly node?: { readonly name: string; readonly uid?: string };
}

/** Makes ServiceAccount tokens; what stands behind the `token` subresource. */
export interface TokenIssuer {
  /** `expirationTimestamp` is RFC 3339. */
  issue(spec: TokenSpec): Promise<{ readonly token: string; readonly expirationTimestamp: string }>;
}

/** Issues and checks the JWTs of ServiceAccounts (KEP-1205: bound, expiring, with audiences), and those of Secrets. */
export class ServiceAccountTokens implements TokenIssuer, TokenAuthenticator {
  readonly #options: ServiceAccountTokensOptions;
  readonly #issuers: readonly string[];
  readonly #audiences: readonly string[];

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
    this.#issuers = typeof options.issuer === 'string' ? [options.issuer] : options.issuer;
    if (this.#issuers.length === 0) throw new Error('ServiceAccount tokens need an issuer');
    this.#audiences = options.audiences ?? this.#issuers;
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
        ...(spec.warnAfterSeconds !== undefined && { warnafter: now + spec.warnAfterSeconds }),
      },
    };
    const token = await this.#sign(claims, spec, (jwt) =>
      jwt
        .setIssuer(this.issuer)
        .setAudience([...(spec.audiences?.length ? spec.audiences : this.#audiences)])
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(expires)
        .setJti(randomUUID()),
    );
    // Who is to renew it is told the time that was asked for.
    const told = now + (spec.warnAfterSeconds ?? spec.expirationSeconds ?? 3600);
    return { token, expirationTimestamp: `${new Date(told * 1000).toISOString().slice(0, 19)}Z` };
  }

  /** A token for a Secret: it ends when the Secret or the account does. */
  issueLegacy(account: { namespace: string; name: string; uid: string; secret: string }): Promise<string> {
    const claim = (name: string) => `kubernetes.io/serviceaccount/${name}`;
    const claims = {
      [claim('namespace')]: account.namespace,
      [claim('secret.name')]: account.secret,
      [claim('service-account.name')]: account.name,
      [claim('service-account.uid')]: account.uid,
    };
    return this.#sign(claims, account, (jwt) => jwt.setIssuer(legacyIssuer));
  }

  async authenticateToken(token: string, audiences = this.#audiences): Promise<AuthenticatedToken | undefined> {
    const issuer = issuerOf(token);
    if (issuer === legacyIssuer) return this.#legacy(token, audiences);
    if (issuer === undefined || !this.#issuers.includes(issuer)) return undefined;
    const parsed = ServiceAccountClaims.safeParse(await this.#verify(token));
    if (!parsed.success) throw new Error('the claims of the token cannot be read');
    const claims = parsed.data;
    // A token without audience is for this server.
    const accepted = this.#meantFor(claims.aud.length > 0 ? claims.aud : this.#audiences, audiences);
    const { exp, jti } = claims;
    const { warnafter } = claims['kubernetes.io'];
    const recheck = async () => {
      await this.#checkState(claims);
      const stale = warnafter !== undefined && this.#options.clock.now() > warnafter * 1000;
      this.#options.used?.(stale ? 'stale' : 'valid');
    };
    await recheck();
    const goodUntil = exp === undefined ? undefined : exp * 1000 + leewayMs;
    return { user: userOf(claims, jti), audiences: accepted, recheck, ...(goodUntil !== undefined && { goodUntil }) };
  }

  /** RFC 7517 key set with the public halves, for `/openid/v1/jwks`. */
  async jwks(): Promise<{ readonly keys: readonly JWK[] }> {
    return { keys: await Promise.all(verificationKeys(this.#options.key()).map(jwkOf)) };
  }

  get signingAlgorithms(): readonly string[] {
    return [...new Set(verificationKeys(this.#options.key()).map(({ algorithm }) => algorithm))].sort();
  }

  /** Of a token that asked for none. */
  get audiences(): readonly string[] {
    return this.#audiences;
  }

  /** Of tokens that are made now. */
  get issuer(): string {
    return this.#issuers[0] ?? '';
  }

  async #sign(
    claims: Readonly<Record<string, unknown>>,
    { namespace, name }: Pick<TokenSpec, 'namespace' | 'name'>,
    fill: (jwt: SignJWT) => SignJWT,
  ): Promise<string> {
    const { privateKey, publicKey } = this.#options.key();
    const { id, algorithm } = verificationKey(publicKey);
    return fill(new SignJWT(claims))
      .setProtectedHeader({ alg: algorithm, kid: id })
      .setSubject(`system:serviceaccount:${namespace}:${name}`)
      .sign(privateKey);
  }

  async #legacy(token: string, audiences: readonly string[]): Promise<AuthenticatedToken> {
    const identity = legacyIdentity(await this.#verify(token));
    const { namespace, name, uid, secret } = identity;
    const accepted = this.#meantFor(this.#audiences, audiences);
    const recheck = async () => {
      const stored = await this.#options.read({ resource: 'secrets', namespace, name: secret });
      const problem = legacySecretProblem(token, identity, stored);
      if (problem !== undefined || !stored) throw new Error(problem);
      const account = await this.#options.read({ resource: 'serviceaccounts', namespace, name });
      if (!account) throw new Error(`serviceaccounts ${JSON.stringify(name)} not found`);
      if (account.metadata.deletionTimestamp) throw new Error(`ServiceAccount ${namespace}/${name} has been deleted`);
      if (account.metadata.uid !== uid) {
        throw new Error(`ServiceAccount UID (${account.metadata.uid}) does not match claim (${uid})`);
      }
      this.#options.used?.('legacy');
      await this.#markUsed(stored);
    };
    await recheck();
    return { user: accountUser(namespace, name, uid), audiences: accepted, recheck };
  }

  async #markUsed(secret: KubernetesObject): Promise<void> {
    const day = new Date(this.#options.clock.now()).toISOString().slice(0, 10);
    if (secret.metadata.labels?.[lastUsedLabel] === day) return;
    await this.#options.markUsed?.(secret, day);
  }

  #meantFor(of: readonly string[], asked: readonly string[]): readonly string[] {
    const accepted = asked.filter((each) => of.includes(each));
    if (accepted.length > 0) return accepted;
    throw new Error(`token audiences ${goList(of)} is invalid for the target audiences ${goList(asked)}`);
  }

  async #checkState(claims: ServiceAccountClaims): Promise<void> {
    const now = this.#options.clock.now();
    const untimely = timeProblem(claims, now);
    if (untimely !== undefined) throw new Error(untimely);
    for (const bound of boundObjectsOf(claims)) {
      const { uid: _claimed, ...place } = bound;
      const object = await this.#options.read(place);
      const { uid = '', deletionTimestamp } = object?.metadata ?? {};
      const state = object && { uid, ...(deletionTimestamp && { deletedAt: Date.parse(deletionTimestamp) }) };
      const problem = boundProblem(bound, state, now);
      if (problem !== undefined) throw new Error(problem);
    }
  }

  /** The claims, if one of the keys has signed them. Errors in the words of Kubernetes' library. */
  async #verify(token: string): Promise<unknown> {
    const { kid } = decodeProtectedHeader(token);
    const all = verificationKeys(this.#options.key());
    const keys = kid ? all.filter(({ id }) => id === kid) : all;
    if (keys.length === 0) throw new Error('invalid signature, no keys found');
    for (const { key, algorithm } of keys) {
      try {
        const { payload } = await compactVerify(token, key, { algorithms: [algorithm] });
        return JSON.parse(Buffer.from(payload).toString('utf8'));
      } catch {
        // Another key may have signed it; if none has, that is what is told.
      }
    }
    throw new Error('go-jose/go-jose: error in cryptographic primitive');
  }
}

const goList = (all: readonly string[]) => `[${all.map((each) => JSON.stringify(each)).join(' ')}]`;

/** What a token says without proof of who made it; `undefined`: it is no JWT. */
export function issuerOf(token: string): string | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const decoded: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof decoded === 'object' && decoded !== null && 'iss' in decoded ? String(decoded.iss) : undefined;
  } catch {
    return undefined;
  }
}

const accountUser = (namespace: string, name: string, uid: string): UserInfo => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  uid,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
});

function userOf(claims: ServiceAccountClaims, jti: string | undefined): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io'];
  const extra = {
    ...(jti && { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] }),
    ...(node && { 'authentication.kubernetes.io/node-name': [node.name] }),
    ...(node?.uid && { 'authentication.kubernetes.io/node-uid': [node.uid] }),
    ...(pod && { 'authentication.kubernetes.io/pod-name': [pod.name] }),
    ...(pod && { 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
  };
  const user = accountUser(namespace, serviceaccount.name, serviceaccount.uid);
  return Object.keys(extra).length > 0 ? { ...user, extra } : user;
}

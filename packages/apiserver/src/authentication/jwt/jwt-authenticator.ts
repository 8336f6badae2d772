import type { Clock } from '@keelson/core';
import { compactVerify, decodeProtectedHeader, errors } from 'jose';
import { z } from 'zod';
import { type AuthenticatedToken, forThisServer, type TokenAuthenticator } from '../contract.ts';
import { JsonClient } from '../https-json.ts';
import { issuerOf } from '../service-account-tokens.ts';
import { type Claims, type UserOfClaims, userOfClaims } from './claim-mappings.ts';
import type { ExpressionCompiler } from './contract.ts';
import { IssuerKeys } from './issuer-keys.ts';
import type { JwtOptions } from './jwt-options.ts';

/** Of asymmetric signatures only: nobody who knows a public key may make tokens. */
const algorithms = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];
const leewaySeconds = 60;

const Payload = z.looseObject({
  aud: z.union([z.string().transform((each) => [each]), z.array(z.string())]).default([]),
  exp: z.number().optional(),
  nbf: z.number().optional(),
});

export interface JwtAuthenticatorOptions {
  readonly clock: Clock;
  readonly compiler: ExpressionCompiler;
  /** Audiences of this server: what is authenticated here is for them. */
  readonly audiences: () => readonly string[];
  /** Told how long each token of an issuer took, in seconds. */
  readonly took?: (issuer: string, result: 'success' | 'failure', seconds: number) => void;
}

/**
 * Tokens of one OpenID Connect issuer (structured authentication, KEP-3331). The constructor throws for expressions that
 * do not compile.
 */
export class JwtAuthenticator implements TokenAuthenticator {
  readonly #options: JwtAuthenticatorOptions;
  readonly #issuer: JwtOptions['issuer'];
  readonly #userOf: UserOfClaims;
  readonly #keys: IssuerKeys;
  readonly #client: JsonClient;

  constructor(jwt: JwtOptions, options: JwtAuthenticatorOptions) {
    const { issuer } = jwt;
    const { clock, compiler } = options;
    this.#options = options;
    this.#issuer = issuer;
    this.#userOf = userOfClaims(jwt, compiler);
    const { certificateAuthority: ca, discoveryURL: discoveryUrl } = issuer;
    this.#client = new JsonClient({ clock, ...(ca !== undefined && { ca }) });
    this.#keys = new IssuerKeys({
      clock,
      issuer: issuer.url,
      ask: (url) => this.#client.ask(url),
      ...(discoveryUrl !== undefined && { discoveryUrl }),
    });
  }

  close(): void {
    this.#client.close();
  }

  /** Asks the issuer where its keys are, unless that is known; resolves to why it cannot be found out. */
  async problem(): Promise<string | undefined> {
    try {
      await this.#keys.locate();
      return undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return `oidc: authenticator for issuer ${JSON.stringify(this.#issuer.url)} is not healthy: ${why}`;
    }
  }

  async authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    if (issuerOf(token) !== this.#issuer.url) return undefined;
    const begun = this.#options.clock.now();
    let result: 'success' | 'failure' = 'failure';
    try {
      const claims = await this.#claims(token);
      const user = this.#userOf(claims);
      result = 'success';
      const found = forThisServer(user, audiences, this.#options.audiences());
      return found && { ...found, goodUntil: claims.exp * 1000 };
    } finally {
      this.#options.took?.(this.#issuer.url, result, (this.#options.clock.now() - begun) / 1000);
    }
  }

  async #claims(token: string): Promise<Claims & { readonly exp: number }> {
    const { alg = '' } = decodeProtectedHeader(token);
    if (!algorithms.includes(alg)) {
      const expected = algorithms.map((each) => JSON.stringify(each)).join(' ');
      const why = `oidc: id token signed with unsupported algorithm, expected [${expected}] got ${JSON.stringify(alg)}`;
      throw new Error(`oidc: verify token: ${why}`);
    }
    const payload = await this.#verified(token);
    const claims = Payload.parse(payload);
    const problem = this.#claimProblem(claims);
    if (problem !== undefined) throw new Error(`oidc: verify token: oidc: ${problem}`);
    const { aud, exp = 0 } = claims;
    // A single audience is given back as it came: expressions see the claim, not what was made of it.
    const raw = typeof payload === 'object' && payload !== null && 'aud' in payload ? payload.aud : aud;
    return { ...claims, aud: raw, exp };
  }

  async #verified(token: string): Promise<unknown> {
    const keys = await this.#keys.current();
    const attempt = async (by: typeof keys): Promise<unknown> => {
      const { payload } = await compactVerify(token, by, { algorithms });
      return JSON.parse(Buffer.from(payload).toString('utf8'));
    };
    try {
      return await attempt(keys);
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return this.#byAny(token, error);
      const newer = await this.#keys.newer();
      if (!newer) throw unsigned();
      return attempt(newer).catch(() => {
        throw unsigned();
      });
    }
  }

  /** A token that does not say by which key: each that fits is tried. */
  async #byAny(token: string, candidates: errors.JWKSMultipleMatchingKeys): Promise<unknown> {
    for await (const key of candidates) {
      try {
        const { payload } = await compactVerify(token, key, { algorithms });
        return JSON.parse(Buffer.from(payload).toString('utf8'));
      } catch {
        // The next one may be it; if none is, that is what is told.
      }
    }
    throw unsigned();
  }

  /** Why the claims that every token has are no good; `undefined`: they are. */
  #claimProblem({ aud, exp, nbf }: z.infer<typeof Payload>): string | undefined {
    const { audiences } = this.#issuer;
    if (!aud.some((each) => audiences.includes(each))) {
      const [expected, got] = [audiences, aud].map((all) => all.map((each) => JSON.stringify(each)).join(' '));
      return audiences.length === 1
        ? `expected audience ${expected} got [${got}]`
        : `expected audience in [${expected}] got [${got}]`;
    }
    const now = this.#options.clock.now() / 1000;
    if (exp === undefined) return 'token is expired (Token Expiry: 0001-01-01 00:00:00 +0000 UTC)';
    if (exp <= now) return `token is expired (Token Expiry: ${goTime(exp)})`;
    if (nbf === undefined || nbf <= now + leewaySeconds) return undefined;
    return `current time ${goTime(now)} before the nbf (not before) time: ${goTime(nbf)}`;
  }
}

const unsigned = () => new Error('oidc: verify token: failed to verify signature: failed to verify id token signature');

/** As Go prints a time in UTC. */
const goTime = (seconds: number) =>
  `${new Date(Math.floor(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;

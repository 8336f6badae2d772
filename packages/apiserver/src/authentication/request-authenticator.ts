import { type Clock, StatusError } from '@keelson/core';
import type { UserInfo } from '../registry/contract.ts';
import { type AnonymousOptions, anonymousPolicy, healthOnly } from './anonymous-policy.ts';
import { bearerToken } from './bearer-token.ts';
import {
  type AuthenticatedToken,
  type Authenticator,
  anonymous,
  authenticated,
  type HttpRequest,
  type TokenAuthenticator,
} from './contract.ts';
import { TokenCache, type TokenCacheObserver } from './token-cache.ts';

export interface RequestAuthenticatorOptions {
  readonly clock: Clock;
  /** Those that look at the request and its connection, in their order. */
  readonly authenticators: readonly Authenticator[];
  readonly tokens: readonly TokenAuthenticator[];
  /** Default: `/livez`, `/readyz` and `/healthz`. */
  readonly anonymous?: AnonymousOptions | (() => AnonymousOptions);
  readonly observer?: AuthenticationObserver;
}

export interface AuthenticationObserver extends TokenCacheObserver {
  /** A request was looked at; `failure`: it has no credentials, `error`: they are wrong. */
  took(result: 'success' | 'failure' | 'error', seconds: number): void;
}

const unknownToken = 'invalid bearer token';

/** The credentials of a request or a review were there, and nobody took them. The message tells why, each reason once. */
export class CredentialsError extends Error {
  constructor(reasons: readonly string[]) {
    const unique = [...new Set(reasons)];
    super(unique.length === 1 ? unique[0] : `[${unique.join(', ')}]`);
  }
}

/**
 * Who asks: the first of front proxy, client certificate and bearer token that says so. Credentials that are wrong are no
 * hindrance if others are right; where all are wrong it is 401. A request without any is the user system:anonymous, where
 * that may be.
 */
export class RequestAuthenticator {
  readonly #authenticators: readonly Authenticator[];
  readonly #tokens: TokenCache;
  readonly #clock: Clock;
  readonly #observer: AuthenticationObserver | undefined;
  readonly #anonymous: () => AnonymousOptions;
  #policy: { readonly of: AnonymousOptions; readonly allows: (path: string) => boolean } | undefined;

  constructor(options: RequestAuthenticatorOptions) {
    this.#authenticators = options.authenticators;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#tokens = new TokenCache(inTurn(options.tokens), options);
    const { anonymous: policy = healthOnly } = options;
    this.#anonymous = typeof policy === 'function' ? policy : () => policy;
  }

  /** Looks up every token anew from now on: those who know them have changed. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  /** Rejects with 401, whose cause is there where credentials are. */
  async authenticate(request: HttpRequest): Promise<UserInfo> {
    const begun = this.#clock.now();
    const took = (result: 'success' | 'failure' | 'error') =>
      this.#observer?.took(result, (this.#clock.now() - begun) / 1000);
    try {
      const user = await this.#find(request);
      took('success');
      return user;
    } catch (error) {
      took(error instanceof Error && error.cause !== undefined ? 'error' : 'failure');
      throw error;
    }
  }

  #mayBeAnonymous(path: string): boolean {
    const of = this.#anonymous();
    if (this.#policy?.of !== of) this.#policy = { of, allows: anonymousPolicy(of) };
    return this.#policy.allows(path);
  }

  async #find(request: HttpRequest): Promise<UserInfo> {
    const reasons: string[] = [];
    for (const each of this.#authenticators) {
      try {
        const user = await each.authenticate(request);
        if (user) return authenticated(user);
      } catch (error) {
        reasons.push(messageOf(error));
      }
    }
    try {
      const token = bearerToken(request);
      if (token !== undefined) return authenticated((await this.authenticateToken(token)).user);
    } catch (error) {
      reasons.push(messageOf(error));
    }
    if (reasons.length === 0 && this.#mayBeAnonymous(pathOf(request))) return anonymous;
    // Why is for the records: the one who sent it learns nothing but that it is not good.
    throw Object.assign(StatusError.unauthorized(), {
      cause: reasons.length > 0 ? new CredentialsError(reasons) : undefined,
    });
  }

  /** Rejects with `CredentialsError` for a token that nobody takes. */
  async authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken> {
    try {
      const found = await this.#tokens.authenticateToken(token, audiences);
      if (found) return found;
    } catch (error) {
      throw new CredentialsError([unknownToken, ...reasonsOf(error)]);
    }
    throw new CredentialsError([unknownToken]);
  }
}

class TokenErrors extends Error {
  readonly reasons: readonly string[];
  constructor(reasons: readonly string[]) {
    super(reasons.join(', '));
    this.reasons = reasons;
  }
}

/** The first that takes a token; that another finds it wrong does not matter then. */
export function inTurn(all: readonly TokenAuthenticator[]): TokenAuthenticator {
  return {
    async authenticateToken(token, audiences) {
      const reasons: string[] = [];
      for (const each of all) {
        try {
          const found = await each.authenticateToken(token, audiences);
          if (found) return found;
        } catch (error) {
          reasons.push(...reasonsOf(error));
        }
      }
      if (reasons.length > 0) throw new TokenErrors(reasons);
      return undefined;
    },
  };
}

const reasonsOf = (error: unknown) => (error instanceof TokenErrors ? error.reasons : [messageOf(error)]);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function pathOf({ url = '/' }: HttpRequest): string {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
}

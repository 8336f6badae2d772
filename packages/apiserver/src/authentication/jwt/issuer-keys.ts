import type { Clock } from '@keelson/core';
import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https$/ }) });
const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

export interface IssuerKeysOptions {
  readonly clock: Clock;
  readonly issuer: string;
  /** Default: `/.well-known/openid-configuration` below the issuer. */
  readonly discoveryUrl?: string;
  readonly ask: (url: string) => Promise<unknown>;
}

/** After a failure nobody asks again for so long; also the least time between two looks for a key that is not there. */
const pauseMs = 10_000;
/** A key that an issuer has taken back counts no longer than this. */
const longestMs = 10 * 60_000;

/**
 * The keys of an issuer (OpenID Connect Discovery 1.0): read at the first token, kept, and looked up anew when a token is
 * signed by another, or when they are old. Whoever sends tokens cannot make the server ask more often than that.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  #uri: string | undefined;
  #keys: JWTVerifyGetKey | undefined;
  #fetchedAt = 0;
  #failedAt: number | undefined;
  #failure = '';
  #pending: Promise<JWTVerifyGetKey> | undefined;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /** Finds out where the keys are, unless that is known. Rejects while the issuer cannot be asked. */
  async locate(): Promise<void> {
    if (this.#uri !== undefined) return;
    try {
      this.#uri = await this.#discover();
      this.#failedAt = undefined;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** Rejects while the issuer cannot be asked. */
  async current(): Promise<JWTVerifyGetKey> {
    const age = this.#options.clock.now() - this.#fetchedAt;
    if (this.#keys && age < longestMs) return this.#keys;
    return this.#refresh();
  }

  /** After a token by a key that is not among those of `current`; `undefined`: it is too early to look again. */
  async newer(): Promise<JWTVerifyGetKey | undefined> {
    return this.#options.clock.now() - this.#fetchedAt < pauseMs ? undefined : this.#refresh();
  }

  #refresh(): Promise<JWTVerifyGetKey> {
    const { clock } = this.#options;
    if (this.#failedAt !== undefined && clock.now() - this.#failedAt < pauseMs) {
      return Promise.reject(new Error(`oidc: authenticator not initialized: ${this.#failure}`));
    }
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #fetch(): Promise<JWTVerifyGetKey> {
    const { clock, ask } = this.#options;
    try {
      this.#uri ??= await this.#discover();
      const keys = createLocalJWKSet(KeySet.parse(await ask(this.#uri)));
      this.#keys = keys;
      this.#fetchedAt = clock.now();
      this.#failedAt = undefined;
      return keys;
    } catch (error) {
      this.#failed(error);
      throw new Error(`oidc: authenticator not initialized: ${this.#failure}`);
    }
  }

  #failed(error: unknown): void {
    this.#failedAt = this.#options.clock.now();
    this.#failure = error instanceof Error ? error.message : String(error);
  }

  async #discover(): Promise<string> {
    const { issuer, ask } = this.#options;
    const url = this.#options.discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const found = Discovery.parse(await ask(url));
    if (found.issuer !== issuer) {
      const [expected, got] = [issuer, found.issuer].map((each) => JSON.stringify(each));
      throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${expected} got ${got}`);
    }
    return found.jwks_uri;
  }
}

import { readFile } from 'node:fs/promises';
import { type Clock, loadKubeconfig, parseDuration, type Random } from '@keelson/core';
import {
  type AuthenticatedToken,
  celExpressions,
  inTurn,
  JwtAuthenticator,
  StaticTokens,
  type TokenAuthenticator,
  TokenMetrics,
  WebhookTokens,
} from '../authentication/index.ts';
import type { AuthenticationPluginOptions } from './authentication-options.ts';
import type { AuthenticationOptions } from './compose-authentication.ts';

export interface ConfiguredTokensOptions {
  readonly tokenFile?: string | undefined;
  readonly authentication: AuthenticationPluginOptions;
}

/** Tokens that the configuration tells about; their files are read in the phase `storage`, and before it knows none. */
export class ConfiguredTokens implements TokenAuthenticator {
  readonly #options: ConfiguredTokensOptions;
  #all: readonly (TokenAuthenticator & { close?(): void })[] = [];
  #frontProxyCa: string | undefined;
  readonly #metrics = new TokenMetrics();

  constructor(options: ConfiguredTokensOptions) {
    this.#options = options;
  }

  /** What the server is put together with. */
  get authentication(): AuthenticationOptions {
    const { authentication } = this.#options;
    const { anonymous, frontProxy, bootstrapTokens, audiences, extendTokenExpiration } = authentication;
    const { serviceAccountJwksUri: jwksUri } = authentication;
    return {
      anonymous,
      bootstrapTokens,
      extendTokenExpiration,
      otherTokens: [this],
      metrics: this.#metrics,
      frontProxyCa: () => this.#frontProxyCa,
      ...(jwksUri !== undefined && { jwksUri }),
      ...(frontProxy && { frontProxy }),
      ...(audiences && { audiences }),
    };
  }

  /** Rejects for files that cannot be read, and expressions that do not compile. */
  async open({ clock, random }: { readonly clock: Clock; readonly random: Random }): Promise<void> {
    const { tokenFile, authentication } = this.#options;
    const { jwt, webhook, frontProxy, serviceAccountIssuers } = authentication;
    const audiences = () => authentication.audiences ?? serviceAccountIssuers;
    if (frontProxy?.clientCaFile !== undefined) this.#frontProxyCa = await readFile(frontProxy.clientCaFile, 'utf8');
    const took: TokenMetrics['issuer'] = (...measured) => this.#metrics.issuer(...measured);
    const all: (TokenAuthenticator & { close?(): void })[] = [];
    if (tokenFile !== undefined) all.push(new StaticTokens(await readFile(tokenFile, 'utf8'), audiences));
    for (const each of jwt) all.push(new JwtAuthenticator(each, { clock, compiler: celExpressions, audiences, took }));
    if (webhook) {
      const config = await loadKubeconfig(webhook.kubeconfig);
      const cacheTtlMs = parseDuration(webhook.cacheTtl) ?? 0;
      all.push(new WebhookTokens({ clock, config, version: webhook.version, cacheTtlMs, audiences, random }));
    }
    this.#all = all;
  }

  close(): void {
    for (const each of this.#all) each.close?.();
  }

  authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    return inTurn(this.#all).authenticateToken(token, audiences);
  }
}

import type { ClientConfig, Clock } from '@keelson/core';
import { z } from 'zod';
import { ConfiguredServer } from '../configured-server.ts';
import type { AuthenticatedToken, TokenAuthenticator } from '../contract.ts';
import { TokenCache } from '../token-cache.ts';

export interface WebhookTokensOptions {
  readonly clock: Clock;
  /** Where the webhook is, with its path, and how this server shows itself to it. */
  readonly config: ClientConfig;
  readonly version: 'v1' | 'v1beta1';
  /** How long an answer is remembered, yes and no alike, in milliseconds. */
  readonly cacheTtlMs: number;
  readonly audiences: () => readonly string[];
  /** Gives a random number in [0, 1): attempts after a failure are spread. */
  readonly random: () => number;
}

const Review = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    user: z
      .object({
        username: z.string().default(''),
        uid: z.string().default(''),
        groups: z.array(z.string()).nullish(),
        extra: z.record(z.string(), z.array(z.string())).nullish(),
      })
      .optional(),
    audiences: z.array(z.string()).nullish(),
    error: z.string().default(''),
  }),
});

/**
 * Asks another server whose a token is, by a TokenReview
 * (kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication).
 */
export class WebhookTokens implements TokenAuthenticator {
  readonly #options: WebhookTokensOptions;
  readonly #server: ConfiguredServer;
  readonly #cache: TokenCache;

  constructor(options: WebhookTokensOptions) {
    const { clock, cacheTtlMs } = options;
    this.#options = options;
    this.#server = new ConfiguredServer(options);
    const asked: TokenAuthenticator = { authenticateToken: (token, audiences) => this.#review(token, audiences) };
    this.#cache = new TokenCache(asked, { clock, ttlMs: cacheTtlMs, failureTtlMs: cacheTtlMs });
  }

  close(): void {
    this.#server.close();
  }

  authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    return this.#cache.authenticateToken(token, audiences);
  }

  async #review(token: string, asked?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const wanted = asked ?? this.#options.audiences();
    const answer = Review.safeParse(await this.#ask(token, wanted));
    if (!answer.success) throw new Error(`the webhook's answer is no TokenReview: ${z.prettifyError(answer.error)}`);
    const { authenticated, user, audiences, error } = answer.data.status;
    if (!authenticated) {
      if (error !== '') throw new Error(error);
      return undefined;
    }
    // A webhook that knows nothing of audiences answers for this server's own.
    const own = audiences?.length ? audiences : this.#options.audiences();
    const accepted = wanted.filter((each) => own.includes(each));
    if (wanted.length > 0 && accepted.length === 0) return undefined;
    const { username = '', uid = '', groups, extra } = user ?? {};
    return {
      user: {
        name: username,
        ...(uid !== '' && { uid }),
        groups: groups ?? [],
        ...(extra && Object.keys(extra).length > 0 && { extra }),
      },
      audiences: accepted,
    };
  }

  #ask(token: string, audiences: readonly string[]): Promise<unknown> {
    return this.#server.post({
      kind: 'TokenReview',
      apiVersion: `authentication.k8s.io/${this.#options.version}`,
      metadata: { creationTimestamp: null },
      spec: { token, ...(audiences.length > 0 && { audiences }) },
      status: { user: {} },
    });
  }
}

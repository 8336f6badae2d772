import type { ClientConfig, Clock } from '@keelson/core';
import { z } from 'zod';
import { ConfiguredServer } from '../../authentication/configured-server.ts';
import { HttpStatusError, LateAnswerError } from '../../authentication/https-json.ts';
import type { AuthorizationDecision, AuthorizationRequest, Authorizer } from '../../registry/contract.ts';
import type { WebhookObserver, WebhookResult } from '../authorization-metrics.ts';
import { DecisionCache } from './decision-cache.ts';
import { AccessConditions, type ConditionOutcome } from './match-conditions.ts';
import { type AccessQuestion, accessQuestion } from './subject-access-review.ts';

export interface WebhookAuthorizerOptions {
  readonly clock: Clock;
  /** Where the webhook is, with its path, and how this server shows itself to it. */
  readonly config: ClientConfig;
  readonly version: 'v1' | 'v1beta1';
  /** For one attempt, in milliseconds. */
  readonly timeoutMs: number;
  /** How long a yes is remembered, in milliseconds; 0: not at all. */
  readonly authorizedTtlMs: number;
  /** The same for everything that is no yes; errors are not remembered. */
  readonly unauthorizedTtlMs: number;
  /** What it counts as when the webhook gives no answer. */
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  /** CEL over `request`; the webhook is asked where all of them hold. */
  readonly matchConditions: readonly string[];
  /** Gives a random number in [0, 1): attempts after a failure are spread. */
  readonly random: () => number;
  readonly observer?: WebhookObserver;
}

const Review = z.object({
  status: z.object({
    allowed: z.boolean().default(false),
    denied: z.boolean().default(false),
    reason: z.string().default(''),
  }),
});

/** Longer questions are not remembered, so that nobody fills the memory with them. */
const longestRemembered = 10_000;

/**
 * Asks another server whether a request is allowed, by a SubjectAccessReview
 * (kubernetes.io/docs/reference/access-authn-authz/webhook).
 */
export class WebhookAuthorizer implements Authorizer {
  readonly #options: WebhookAuthorizerOptions;
  readonly #conditions: AccessConditions;
  readonly #server: ConfiguredServer;
  readonly #cache: DecisionCache;

  /** Throws for a condition that does not compile. */
  constructor(options: WebhookAuthorizerOptions) {
    const { clock, matchConditions } = options;
    this.#options = options;
    this.#conditions = new AccessConditions(matchConditions);
    this.#cache = new DecisionCache(clock);
    const { observer } = options;
    this.#server = new ConfiguredServer({
      ...options,
      ...(observer && { attempted: (seconds, error) => observer.asked(resultOf(error), seconds) }),
    });
  }

  close(): void {
    this.#server.close();
  }

  authorize(request: AuthorizationRequest): AuthorizationDecision | Promise<AuthorizationDecision> {
    const question = accessQuestion(request);
    const wanted = this.#match(question);
    if (wanted === false) return noOpinion;
    if (wanted !== true) return this.#undecided(wanted.error);
    const key = JSON.stringify(question);
    return this.#cache.get(key) ?? this.#review(key, question);
  }

  #match(question: AccessQuestion): ConditionOutcome {
    const { clock, observer, matchConditions } = this.#options;
    if (!observer || matchConditions.length === 0) return this.#conditions.match(question);
    const begun = clock.now();
    const outcome = this.#conditions.match(question);
    const told = outcome === true ? 'matched' : outcome === false ? 'excluded' : 'failed';
    observer.conditions((clock.now() - begun) / 1000, told);
    return outcome;
  }

  async #review(key: string, question: AccessQuestion): Promise<AuthorizationDecision> {
    const { authorizedTtlMs, unauthorizedTtlMs } = this.#options;
    let answer: ReturnType<typeof Review.safeParse>;
    try {
      answer = Review.safeParse(await this.#ask(question));
    } catch (error) {
      return this.#unanswered(error instanceof Error ? error.message : String(error), resultOf(error));
    }
    if (!answer.success) {
      const problem = z.prettifyError(answer.error);
      return this.#unanswered(`the webhook's answer is no SubjectAccessReview: ${problem}`, 'error');
    }
    const { allowed, denied, reason } = answer.data.status;
    if (allowed && denied) {
      const error = 'webhook subject access review returned both allow and deny response';
      return { allowed: false, denied: true, reason, error };
    }
    const decision: AuthorizationDecision = { allowed, ...(denied && { denied: true as const }), reason };
    if (key.length < longestRemembered) this.#cache.set(key, decision, allowed ? authorizedTtlMs : unauthorizedTtlMs);
    return decision;
  }

  #unanswered(error: string, result: WebhookResult): AuthorizationDecision {
    const { failurePolicy, observer } = this.#options;
    if (failurePolicy === 'NoOpinion') observer?.failedOpen(result);
    return this.#undecided(error);
  }

  #undecided(error: string): AuthorizationDecision {
    const denied = this.#options.failurePolicy === 'Deny';
    return { allowed: false, ...(denied && { denied: true as const }), reason: '', error };
  }

  async #ask(spec: AccessQuestion): Promise<unknown> {
    const { version, timeoutMs } = this.#options;
    const review = {
      kind: 'SubjectAccessReview',
      apiVersion: `authorization.k8s.io/${version}`,
      metadata: {},
      spec: version === 'v1' ? spec : inBeta(spec),
      status: { allowed: false },
    };
    try {
      return await this.#server.post(review, `${timeoutMs / 1000}s`);
    } catch (error) {
      throw inKubernetesWords(error);
    }
  }
}

function resultOf(error: unknown): WebhookResult {
  if (error === undefined) return 'success';
  return error instanceof Error && error.cause instanceof LateAnswerError ? 'timeout' : 'error';
}

const noOpinion: AuthorizationDecision = { allowed: false, reason: '' };

/** v1beta1 writes `group` where v1 writes `groups`. */
const inBeta = ({ groups, ...spec }: AccessQuestion) => ({ ...spec, ...(groups && { group: groups }) });

function inKubernetesWords(error: unknown): unknown {
  if (!(error instanceof Error) || !(error.cause instanceof HttpStatusError)) return error;
  const { code, body } = error.cause;
  if (code < 500) return new Error('the server rejected our request for an unknown reason');
  return new Error(`an error on the server (${JSON.stringify(body)}) has prevented the request from succeeding`);
}

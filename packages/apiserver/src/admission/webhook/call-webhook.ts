import { type Clock, type Random, StatusError } from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';
import { randomUid } from '../../registry/random-uid.ts';
import type { AdmissionMetrics } from '../admission-metrics.ts';
import { BadAnswer, denial, readVerdict, type WebhookVerdict } from './admission-response.ts';
import { reviewBody, type ShownJson } from './admission-review.ts';
import type { Invocation } from './contract.ts';
import { ClientConfigError, TransportError } from './webhook-client.ts';
import { WebhookCallError, WebhookDenial } from './webhook-error.ts';

export interface CallEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: AdmissionMetrics;
}

/**
 * Asks a webhook about a request: warnings and audit annotations of its answer are noted. Rejects with `WebhookCallError`
 * when it cannot be asked or understood, `WebhookDenial` when it refuses, and a `StatusError` when it may not be asked.
 */
export async function callWebhook(
  { webhook, form }: Invocation,
  attributes: AdmissionAttributes,
  shown: ShownJson,
  { random }: CallEnvironment,
): Promise<WebhookVerdict> {
  const { name, type } = webhook;
  if (attributes.dryRun && !webhook.safeOnDryRun) {
    throw StatusError.badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`);
  }
  const { reviewVersion } = webhook;
  if (!reviewVersion) {
    throw new WebhookCallError(
      name,
      'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)',
      400,
    );
  }
  const uid = randomUid(random);
  const body = reviewBody(reviewVersion, uid, attributes, form, shown);
  let verdict: WebhookVerdict;
  try {
    const text = await webhook.client.post(body, webhook.timeoutSeconds * 1000, attributes.signal);
    verdict = readVerdict(text, uid, reviewVersion, type);
  } catch (error) {
    throw asCallError(name, error);
  }
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) attributes.annotate?.(`${name}/${key}`, value);
  for (const each of verdict.warnings) if (isShowable(each)) attributes.warn(each);
  if (!verdict.allowed) throw new WebhookDenial(denial(name, verdict.status));
  return verdict;
}

function asCallError(name: string, error: unknown): unknown {
  if (error instanceof ClientConfigError) return new WebhookCallError(name, error.message, 400);
  if (error instanceof TransportError) {
    return new WebhookCallError(name, `failed to call webhook: ${error.message}`, error.code);
  }
  if (error instanceof BadAnswer) return new WebhookCallError(name, error.message, 503);
  return error;
}

/** What cannot stand in a header is not said at all, as by Kubernetes. */
function isShowable(text: string): boolean {
  for (const character of text) if (character < ' ' || character === '\u007f') return false;
  return text !== '';
}

/** What becomes of a request whose call has failed, with its line in the metrics. */
export function settleFailure(
  error: unknown,
  { webhook }: Invocation,
  { operation }: AdmissionAttributes,
  seconds: number,
  { metrics }: CallEnvironment,
): StatusError | undefined {
  const { name, failsOpen } = webhook;
  const type = webhook.type === 'mutating' ? 'admit' : 'validating';
  const observed = { name, type, operation, seconds } as const;
  if (error instanceof WebhookCallError) {
    metrics.webhook({ ...observed, rejected: !failsOpen, code: error.code, error: 'calling_webhook_error' });
    if (!failsOpen) return StatusError.internal(error.message);
    metrics.failedOpen(name, type);
    return undefined;
  }
  if (error instanceof WebhookDenial) {
    metrics.webhook({ ...observed, rejected: true, code: error.status.code, error: 'no_error' });
    return error.status;
  }
  metrics.webhook({ ...observed, rejected: true, code: 0, error: 'apiserver_internal_error' });
  if (error instanceof StatusError) return error;
  throw error;
}

/** Nobody waits any longer: there is no point in going on. */
export const overdue = (): StatusError =>
  StatusError.of(504, 'Timeout', 'Timeout: request did not complete within requested timeout');

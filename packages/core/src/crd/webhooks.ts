import type { Webhook } from '../admission/index.ts';
import type { WebhookClientConfig } from '../api/index.ts';
import { token } from '../plugin/index.ts';

/** Serves this process's webhooks to API servers, behind certificates of its own. */
export interface Webhooks {
  /**
   * Serves a webhook at a path; resolves once it is served and the API server has been told.
   * @param path for example `/convert/websites.example.com`; each is taken once
   * @param tell writes into the API server how the webhook is reached; called again, with old authorities beside new
   * ones, whenever certificates are about to be renewed
   */
  serve(
    path: string,
    webhook: Webhook,
    tell: (clientConfig: WebhookClientConfig, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}

export const Webhooks = token<Webhooks>('Webhooks');

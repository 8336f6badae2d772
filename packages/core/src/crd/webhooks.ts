import type { Webhook } from '../admission/index.ts';
import type { WebhookClientConfig } from '../api/index.ts';
import { token } from '../plugin/index.ts';

/**
 * Who writes the configurations of webhooks, and into them and into definitions what API servers are to trust:
 * `operator`, both; `manifests`: configurations are there already, the operator writes the authority; `cert-manager`:
 * the operator writes neither, nor definitions that have conversions.
 */
export type WebhookInstaller = 'operator' | 'manifests' | 'cert-manager';

/** How API servers reach what is served at a path. */
export type ClientConfigAt = (path: string) => WebhookClientConfig;

/** Serves this process's webhooks to API servers, behind certificates of its own. */
export interface Webhooks {
  readonly installedBy: WebhookInstaller;
  /**
   * Serves webhooks by their paths; resolves once they are served and the API server has been told.
   * @param webhooks by path, for example `/convert/websites.example.com`; each is taken once
   * @param tell writes into the API server how the webhooks are reached; called again, with old authorities beside new
   * ones, whenever certificates are about to be renewed
   */
  serve(
    webhooks: Readonly<Record<string, Webhook>>,
    tell: (at: ClientConfigAt, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}

export const Webhooks = token<Webhooks>('Webhooks');

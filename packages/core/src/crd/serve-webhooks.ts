import {
  type KubernetesObject,
  MutatingWebhookConfiguration,
  type ResourceType,
  ValidatingWebhookConfiguration,
} from '../api/index.ts';
import type { Client } from '../client/index.ts';
import { isStatusError } from '../machinery/index.ts';
import type { HealthCheck, Lifecycle } from '../plugin/index.ts';
import type { WebhookContext } from './define-webhook.ts';
import {
  type OperatorWebhooks,
  type WebhookConfigurations,
  webhookConfigurations,
  webhookPath,
} from './webhook-configurations.ts';
import type { ClientConfigAt, Webhooks } from './webhooks.ts';

interface Configured {
  readonly metadata: KubernetesObject['metadata'];
  readonly webhooks?: readonly {
    readonly name: string;
    readonly clientConfig: { readonly url?: string; readonly caBundle?: string };
  }[];
}

/** Whether webhooks are served; a host has one for each operator. */
export interface Served {
  now: boolean;
}

/** Ready: what stands in front of several copies may send requests to this one. */
export const webhooksServed = ({ operator }: OperatorWebhooks, served: Served): HealthCheck => ({
  name: `webhooks-${operator}`,
  endpoints: ['readyz'],
  check() {
    if (!served.now) throw new Error('webhooks are not served yet');
  },
});

/**
 * Serves an operator's webhooks, and tells the API server of them. They are served by every copy of the process, whether
 * it leads or not. What is reached by a URL of this process goes with it; what is reached by a Service stays, and its
 * failure policy says what happens while no copy is there.
 */
export function webhooksLifecycle(
  of: OperatorWebhooks,
  client: Client,
  webhooks: Webhooks | undefined,
  context: WebhookContext,
  served: Served,
): Lifecycle {
  let told: WebhookConfigurations | undefined;
  const configurations = () => [
    [ValidatingWebhookConfiguration, told?.validating] as const,
    [MutatingWebhookConfiguration, told?.mutating] as const,
  ];
  return {
    name: `the webhooks of ${of.operator}`,
    phase: 'bootstrap',
    async start(signal) {
      if (!webhooks) throw new Error(`${of.operator} has webhooks: the host needs webhooksPlugin to serve them`);
      const { installedBy } = webhooks;
      await webhooks.serve(
        await reviews(of, context),
        async (at: ClientConfigAt, until) => {
          if (installedBy === 'cert-manager') return;
          told = webhookConfigurations(of, at);
          for (const [type, wanted] of configurations()) {
            if (wanted) await apply(client, of.operator, type, wanted, installedBy === 'manifests', until);
          }
        },
        signal,
      );
      served.now = true;
    },
    async stop(signal) {
      served.now = false;
      if (webhooks?.installedBy !== 'operator') return;
      for (const [type, wanted] of configurations()) {
        if (!wanted) continue;
        try {
          await removeOurs(client, type, wanted, signal);
        } catch (error) {
          const { logger } = context;
          logger.warn('the configuration of webhooks stays, and what it is about waits for them', {
            kind: type.kind,
            name: wanted.metadata.name,
            error,
          });
        }
      }
    },
  };
}

async function reviews(of: OperatorWebhooks, context: WebhookContext) {
  const made = of.webhooks.flatMap((each) => [
    ...(each.mutate ? [{ path: webhookPath(of, 'mutate', each), review: each.mutate }] : []),
    ...(each.validate ? [{ path: webhookPath(of, 'validate', each), review: each.validate }] : []),
  ]);
  return Object.fromEntries(
    await Promise.all(made.map(async ({ path, review }) => [path, await review(context)] as const)),
  );
}

/** @throws Error where only the authority is written, and the configuration is not there or not for these webhooks */
async function apply<T extends KubernetesObject & Configured>(
  client: Client,
  operator: string,
  type: ResourceType<T>,
  wanted: T & Configured,
  authorityOnly: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { name = '' } = wanted.metadata;
  if (!authorityOnly) {
    await client.patch(type, { name }, { apply: wanted, fieldManager: operator, force: true }, { signal });
    return;
  }
  const { kind, webhooks = [] } = wanted;
  const authorities = webhooks.map(({ name: each, clientConfig: { caBundle } }) => ({
    name: each,
    clientConfig: { caBundle },
  }));
  try {
    // By an apply it would own the webhooks, and whoever applies manifests without one could not take that away.
    const patch = { strategic: { webhooks: authorities } };
    await client.patch(type, { name }, patch, { fieldManager: operator, signal });
  } catch (error) {
    if (!isStatusError(error, 'Invalid', 'NotFound', 'Forbidden')) throw error;
    const message = `${kind} ${name} is not that of these webhooks: apply the manifests of this version`;
    throw new Error(`${message} (${error.message})`, { cause: error });
  }
}

/** Unless another process has put itself in this one's place. */
async function removeOurs<T extends KubernetesObject & Configured>(
  client: Client,
  type: ResourceType<T>,
  wanted: Configured,
  signal: AbortSignal,
): Promise<void> {
  const { name = '' } = wanted.metadata;
  const ours = wanted.webhooks?.[0]?.clientConfig.url;
  if (ours === undefined) return;
  try {
    const { metadata, webhooks } = await client.get(type, { name }, { signal });
    if (webhooks?.[0]?.clientConfig.url !== ours) return;
    const { uid, resourceVersion } = metadata;
    const preconditions = {
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    await client.delete(type, { name }, { preconditions, signal });
  } catch (error) {
    // Gone already, or another's by now.
    if (!isStatusError(error, 'NotFound', 'Conflict')) throw error;
  }
}

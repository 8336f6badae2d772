import { type Clock, loadKubeconfig, parseDuration, type Random } from '@keelson/core';
import {
  type Authorizers,
  authorizerChain,
  mastersGroup,
  type NodeAuthorizer,
  nodeAndRbac,
  type RbacAuthorizer,
  WebhookAuthorizer,
} from '../authorization/index.ts';
import type { Authorizer } from '../registry/contract.ts';

type Configured = Authorizers[number];
type Webhook = NonNullable<Configured['webhook']>;

/**
 * The authorizers that the configuration tells about, in its order. Files of webhooks are read in the phase `storage`;
 * before it they let nobody through. Without a configuration: Node and RBAC.
 */
export class ConfiguredAuthorizers {
  readonly #all: Authorizers;
  readonly #webhooks = new Map<string, WebhookAuthorizer>();

  constructor(all: Authorizers = nodeAndRbac) {
    this.#all = all;
  }

  /** Their types: who lists what a user may do asks only these. */
  get types(): readonly string[] {
    return this.#all.map(({ type }) => type);
  }

  /** Rejects for files that cannot be read. */
  async open({ clock, random }: { readonly clock: Clock; readonly random: Random }): Promise<void> {
    for (const { name, webhook } of this.#all) {
      if (webhook) this.#webhooks.set(name, await openWebhook(webhook, clock, random));
    }
  }

  close(): void {
    for (const each of this.#webhooks.values()) each.close();
  }

  chain(nodes: NodeAuthorizer, rbac: RbacAuthorizer): Authorizer {
    if (this.#all === nodeAndRbac) return authorizerChain([nodes, rbac]);
    return authorizerChain([
      masters,
      ...this.#all.map(({ type, name }) => {
        if (type === 'Node') return nodes;
        return type === 'RBAC' ? rbac : this.#asked(name);
      }),
    ]);
  }

  #asked(name: string): Authorizer {
    return { authorize: (request) => this.#webhooks.get(name)?.authorize(request) ?? notOpen };
  }
}

const notOpen = {
  allowed: false,
  denied: true,
  reason: '',
  error: 'the authorization webhook is not set up yet',
} as const;

/** Who is of this group may do everything, whatever the configuration says: Kubernetes asks it first. */
const masters: Authorizer = {
  authorize: ({ user }) => ({ allowed: user.groups.includes(mastersGroup), reason: '' }),
};

async function openWebhook(webhook: Webhook, clock: Clock, random: Random): Promise<WebhookAuthorizer> {
  const milliseconds = (text: string | undefined) => parseDuration(text ?? '') ?? 0;
  const { cacheAuthorizedRequests, cacheUnauthorizedRequests, connectionInfo } = webhook;
  const config = await loadKubeconfig(connectionInfo.kubeConfigFile ?? '');
  return new WebhookAuthorizer({
    clock,
    random,
    config,
    version: webhook.subjectAccessReviewVersion === 'v1beta1' ? 'v1beta1' : 'v1',
    timeoutMs: milliseconds(webhook.timeout),
    authorizedTtlMs: cacheAuthorizedRequests ? milliseconds(webhook.authorizedTTL) : 0,
    unauthorizedTtlMs: cacheUnauthorizedRequests ? milliseconds(webhook.unauthorizedTTL) : 0,
    failurePolicy: webhook.failurePolicy === 'Deny' ? 'Deny' : 'NoOpinion',
    matchConditions: webhook.matchConditions.map(({ expression }) => expression.trim()),
  });
}

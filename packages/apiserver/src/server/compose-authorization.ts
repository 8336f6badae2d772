import { dirname, resolve } from 'node:path';
import { type Clock, type Logger, loadKubeconfig, parseDuration, type Random } from '@keelson/core';
import {
  AuthorizationMetrics,
  type Authorizers,
  authorizerChain,
  changeProblem,
  mastersGroup,
  type NodeAuthorizer,
  nameProblem,
  nodeAndRbac,
  parseAuthorizers,
  type RbacAuthorizer,
  WebhookAuthorizer,
} from '../authorization/index.ts';
import type { Authorizer } from '../registry/contract.ts';
import { ReloadMetrics, WatchedFile } from '../reload/index.ts';

type Webhook = NonNullable<Authorizers[number]['webhook']>;

/** Authorizers whose files are read. */
interface Opened {
  readonly all: Authorizers;
  readonly webhooks: ReadonlyMap<string, WebhookAuthorizer>;
}

interface Needs {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface WebhookNeeds extends Pick<Needs, 'clock' | 'random'> {
  readonly metrics: AuthorizationMetrics;
}

/**
 * The authorizers that the configuration tells about, in its order. Files are read in the phase `storage`; before it
 * webhooks let nobody through. Without a configuration: Node and RBAC.
 */
export class ConfiguredAuthorizers {
  readonly #source: Authorizers | string;
  readonly #metrics: ReloadMetrics | undefined;
  readonly #decisions = new AuthorizationMetrics();
  #file: WatchedFile<Opened> | undefined;
  #opened: Opened;
  #chainOf: (opened: Opened) => Authorizer = () => masters;
  #chain: Authorizer = masters;

  /** @param source the path of an AuthorizationConfiguration, read again whenever it changes, or its content */
  constructor(source: Authorizers | string = nodeAndRbac) {
    this.#source = source;
    this.#opened = { all: typeof source === 'string' ? [] : source, webhooks: new Map() };
    if (typeof source === 'string') this.#metrics = new ReloadMetrics('authorization');
  }

  /** Their types: who lists what a user may do asks only these. */
  get types(): readonly string[] {
    return this.#opened.all.map(({ type }) => type);
  }

  metricsText(): string {
    return `${this.#decisions.text()}${this.#metrics?.text() ?? ''}`;
  }

  /** Rejects for files that cannot be read. */
  async open(needs: Needs): Promise<void> {
    const source = this.#source;
    const own = { ...needs, metrics: this.#decisions };
    if (typeof source !== 'string') {
      this.#use({ all: source, webhooks: await openWebhooks(source, own) });
      return;
    }
    let first: Authorizers | undefined;
    this.#file = new WatchedFile<Opened>({
      file: source,
      what: 'the authorization configuration',
      ...needs,
      ...(this.#metrics && { observer: this.#metrics }),
      build: async (text) => {
        const all = besideFile(parseAuthorizers(text), source);
        const problem = changeProblem(first ?? all, all);
        if (problem !== undefined) throw new Error(problem);
        const webhooks = await openWebhooks(all, own);
        first ??= all;
        return { all, webhooks };
      },
      changed: (opened) => this.#use(opened),
      dispose: closeAll,
    });
    this.#use(await this.#file.open());
  }

  close(): void {
    if (this.#file) this.#file.close();
    else closeAll(this.#opened);
  }

  /** Looks at the file now. */
  async reload(): Promise<void> {
    await this.#file?.reload();
  }

  chain(nodes: NodeAuthorizer, rbac: RbacAuthorizer): Authorizer {
    this.#chainOf = ({ all, webhooks }) =>
      authorizerChain([
        masters,
        ...all.map((each) => {
          const byType = each.type === 'Node' ? nodes : rbac;
          return this.#decisions.measured(
            each,
            each.type === 'Webhook' ? (webhooks.get(each.name) ?? notOpen) : byType,
          );
        }),
      ]);
    this.#use(this.#opened);
    return { authorize: (request) => this.#chain.authorize(request) };
  }

  #use(opened: Opened): void {
    this.#opened = opened;
    this.#chain = this.#chainOf(opened);
  }
}

const notOpen: Authorizer = {
  authorize: () => ({
    allowed: false,
    denied: true,
    reason: '',
    error: 'the authorization webhook is not set up yet',
  }),
};

/** Who is of this group may do everything, whatever the configuration says: Kubernetes asks it first. */
const masters: Authorizer = {
  authorize: ({ user }) => ({ allowed: user.groups.includes(mastersGroup), reason: '' }),
};

/** Paths in a file are relative to it. */
const besideFile = (all: Authorizers, file: string): Authorizers =>
  all.map((each) => {
    const path = each.webhook?.connectionInfo.kubeConfigFile;
    if (!each.webhook || path === undefined) return each;
    const connectionInfo = { ...each.webhook.connectionInfo, kubeConfigFile: resolve(dirname(file), path) };
    return { ...each, webhook: { ...each.webhook, connectionInfo } };
  });

async function openWebhooks(all: Authorizers, needs: WebhookNeeds): Promise<ReadonlyMap<string, WebhookAuthorizer>> {
  const problem = nameProblem(all);
  if (problem !== undefined) throw new Error(problem);
  const webhooks = new Map<string, WebhookAuthorizer>();
  try {
    for (const [index, { name, webhook }] of all.entries()) {
      if (webhook) webhooks.set(name, await openWebhook(webhook, { ...needs, name, index }));
    }
  } catch (error) {
    closeAll({ webhooks });
    throw error;
  }
  return webhooks;
}

function closeAll({ webhooks }: Pick<Opened, 'webhooks'>): void {
  for (const each of webhooks.values()) each.close();
}

async function openWebhook(
  webhook: Webhook,
  { clock, random, metrics, name, index }: WebhookNeeds & { readonly name: string; readonly index: number },
): Promise<WebhookAuthorizer> {
  const milliseconds = (text: string | undefined) => parseDuration(text ?? '') ?? 0;
  const { cacheAuthorizedRequests, cacheUnauthorizedRequests, connectionInfo } = webhook;
  const { kubeConfigFile: file = '' } = connectionInfo;
  const config = await loadKubeconfig(file).catch((error: unknown) => {
    const why = `error loading file: ${error instanceof Error ? error.message : String(error)}`;
    const field = `authorizers[${index}].connectionInfo.kubeConfigFile`;
    throw new Error(`${field}: Invalid value: ${JSON.stringify(file)}: ${why}`, { cause: error });
  });
  return new WebhookAuthorizer({
    clock,
    random,
    config,
    observer: metrics.webhook(name),
    version: webhook.subjectAccessReviewVersion === 'v1beta1' ? 'v1beta1' : 'v1',
    timeoutMs: milliseconds(webhook.timeout),
    authorizedTtlMs: cacheAuthorizedRequests ? milliseconds(webhook.authorizedTTL) : 0,
    unauthorizedTtlMs: cacheUnauthorizedRequests ? milliseconds(webhook.unauthorizedTTL) : 0,
    failurePolicy: webhook.failurePolicy === 'Deny' ? 'Deny' : 'NoOpinion',
    matchConditions: webhook.matchConditions.map(({ expression }) => expression.trim()),
  });
}

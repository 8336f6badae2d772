import {
  type KubernetesObject,
  MutatingWebhookConfiguration,
  type ResourceType,
  ValidatingWebhookConfiguration,
} from '@keelson/core';
import type { MatchConditionsCompiler } from './contract.ts';
import type { WebhookClientEnvironment } from './webhook-client.ts';
import { asConfiguration, WebhookConfigurations } from './webhook-configurations.ts';
import type { WebhookSet } from './webhook-set.ts';

export interface WebhookSourcesOptions extends WebhookClientEnvironment {
  readonly compileConditions: MatchConditionsCompiler;
}

/** Tells of all stored objects of a kind and of each change; resolves when all that is there has been told. */
export type FollowKind = (
  kind: Pick<ResourceType<KubernetesObject>, 'group' | 'plural'>,
  observer: (name: string, object: KubernetesObject | undefined) => void,
) => Promise<void>;

/** The webhooks of both types, kept equal to the stored configurations: a request looks at what is in memory. */
export class WebhookSources {
  readonly #mutating: WebhookConfigurations;
  readonly #validating: WebhookConfigurations;

  constructor(options: WebhookSourcesOptions) {
    this.#mutating = new WebhookConfigurations('mutating', options);
    this.#validating = new WebhookConfigurations('validating', options);
  }

  mutating = (): WebhookSet => this.#mutating.current;
  validating = (): WebhookSet => this.#validating.current;

  async start(follow: FollowKind): Promise<void> {
    const into = (configurations: WebhookConfigurations) => (name: string, object: KubernetesObject | undefined) =>
      configurations.set(name, object && asConfiguration(object));
    await follow(MutatingWebhookConfiguration, into(this.#mutating));
    await follow(ValidatingWebhookConfiguration, into(this.#validating));
  }

  /** Ends all connections that are not in use. */
  close(): void {
    this.#mutating.close();
    this.#validating.close();
  }
}

import {
  deepEqual,
  type KubernetesObject,
  type MutatingWebhook,
  type MutatingWebhookConfiguration,
  type ValidatingWebhook,
  type ValidatingWebhookConfiguration,
} from '@keelson/core';
import type { MatchConditionsCompiler, Webhook, WebhookType } from './contract.ts';
import { unlessEmpty } from './match-webhook.ts';
import { WebhookClient, type WebhookClientEnvironment } from './webhook-client.ts';
import { WebhookSet } from './webhook-set.ts';

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;

export interface ConfigurationEnvironment extends WebhookClientEnvironment {
  readonly compileConditions: MatchConditionsCompiler;
}

interface Entry {
  readonly source: Configuration;
  readonly webhooks: readonly Webhook[];
}

/** The webhooks of one type, as configurations come, change and go. */
export class WebhookConfigurations {
  readonly #type: WebhookType;
  readonly #environment: ConfigurationEnvironment;
  readonly #entries = new Map<string, Entry>();
  #current = new WebhookSet([]);

  constructor(type: WebhookType, environment: ConfigurationEnvironment) {
    this.#type = type;
    this.#environment = environment;
  }

  get current(): WebhookSet {
    return this.#current;
  }

  /** `configuration` undefined: there is none of that name (any more). */
  set(name: string, configuration: Configuration | undefined): void {
    const before = this.#entries.get(name);
    if (!configuration && !before) return;
    if (configuration && before && deepEqual(configuration.webhooks, before.source.webhooks)) return;
    if (configuration) this.#entries.set(name, { source: configuration, webhooks: this.#compile(configuration) });
    else this.#entries.delete(name);
    const ordered = [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#current = new WebhookSet(ordered.flatMap(([, { webhooks }]) => webhooks));
    for (const { client } of before?.webhooks ?? []) client.close();
  }

  close(): void {
    for (const { webhooks } of this.#entries.values()) for (const { client } of webhooks) client.close();
    this.#entries.clear();
    this.#current = new WebhookSet([]);
  }

  #compile({ metadata, webhooks }: Configuration): readonly Webhook[] {
    const names = new Map<string, number>();
    return (webhooks ?? []).map((each) => {
      const place = names.get(each.name) ?? 0;
      names.set(each.name, place + 1);
      return this.#compileOne(each, metadata.name, `${metadata.name}/${each.name}/${place}`);
    });
  }

  #compileOne(source: MutatingWebhook | ValidatingWebhook, configuration: string, id: string): Webhook {
    const { name, matchConditions = [] } = source;
    const version = source.admissionReviewVersions.find((each) => each === 'v1' || each === 'v1beta1');
    return {
      type: this.#type,
      configuration,
      name,
      id,
      rules: source.rules ?? [],
      equivalent: source.matchPolicy !== 'Exact',
      namespaceSelector: unlessEmpty(source.namespaceSelector),
      objectSelector: unlessEmpty(source.objectSelector),
      conditions: matchConditions.length > 0 ? this.#environment.compileConditions(matchConditions) : undefined,
      failsOpen: source.failurePolicy === 'Ignore',
      safeOnDryRun: source.sideEffects === 'None' || source.sideEffects === 'NoneOnDryRun',
      reinvocable: 'reinvocationPolicy' in source && source.reinvocationPolicy === 'IfNeeded',
      reviewVersion: version,
      timeoutSeconds: source.timeoutSeconds ?? 10,
      client: new WebhookClient(source.clientConfig, this.#environment),
    };
  }
}

/** Narrows what lies under the prefix of a configuration's kind. */
export function asConfiguration(object: KubernetesObject): Configuration | undefined {
  const isOne = object.kind === 'MutatingWebhookConfiguration' || object.kind === 'ValidatingWebhookConfiguration';
  return isOne ? (object as Configuration) : undefined;
}

import type { Clock, KubernetesObject, Random, ResourceQuota, ResourceType } from '@keelson/core';
import type { Authorizer } from '../registry/contract.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import type { PodSecurityOptions } from './pod-security/options.ts';
import type { WebhookSet } from './webhook/webhook-set.ts';

/** Reads for admission: straight from the store, decoded once, past authorization. */
export interface ObjectReader {
  get<T extends KubernetesObject>(type: ResourceType<T>, name: string, namespace?: string): Promise<T | undefined>;
  list<T extends KubernetesObject>(type: ResourceType<T>, namespace?: string): Promise<readonly T[]>;
}

export interface AdmissionEnvironment {
  readonly reader: ObjectReader;
  readonly random: Random;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  /** Writes the status of a quota if it is still at its resourceVersion; else rejects with `Conflict`. */
  readonly writeQuota: (quota: ResourceQuota) => Promise<ResourceQuota>;
  readonly metrics: AdmissionMetrics;
  /** Default: only what namespaces ask for by their labels. */
  readonly podSecurity?: PodSecurityOptions;
  /** The webhooks that are configured now. */
  readonly webhooks: { mutating(): WebhookSet; validating(): WebhookSet };
}

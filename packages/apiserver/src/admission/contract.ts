import type { Clock, Random } from '@keelson/core';
import type { Authorizer } from '../registry/contract.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import type { ObjectReader } from './object-reader.ts';
import type { PodSecurityOptions } from './pod-security/options.ts';
import type { MergeConfiguration } from './policy/apply-mutation.ts';
import type { MutatingPolicy } from './policy/compile-mutating-policy.ts';
import type { FindParams, ValidatingPolicy } from './policy/contract.ts';
import type { BoundPolicies } from './policy/policy-sources.ts';
import type { Quotas } from './resource-quota/quotas.ts';
import type { WebhookSet } from './webhook/webhook-set.ts';

export type { ObjectReader } from './object-reader.ts';

export interface AdmissionEnvironment {
  readonly reader: ObjectReader;
  readonly random: Random;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly quotas: Quotas;
  readonly metrics: AdmissionMetrics;
  /** Default: only what namespaces ask for by their labels. */
  readonly podSecurity?: PodSecurityOptions;
  /** The webhooks that are configured now. */
  readonly webhooks: { mutating(): WebhookSet; validating(): WebhookSet };
  /** The policies that are bound now. */
  readonly policies: { validating(): BoundPolicies<ValidatingPolicy>; mutating(): BoundPolicies<MutatingPolicy> };
  /** Finds what policies take their parameters from. */
  readonly findParams: FindParams;
  readonly mergeConfiguration: MergeConfiguration;
}

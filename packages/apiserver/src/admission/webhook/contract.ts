import type { KubernetesObject, LabelSelector, MatchCondition, RuleWithOperations } from '@keelson/core';
import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import type { WebhookClient } from './webhook-client.ts';

export type WebhookType = 'mutating' | 'validating';

/** A webhook of a configuration, with what can be known of it before the first request. */
export interface Webhook {
  readonly type: WebhookType;
  readonly configuration: string;
  readonly name: string;
  /** Tells webhooks apart, also such of one name. */
  readonly id: string;
  readonly rules: readonly RuleWithOperations[];
  readonly equivalent: boolean;
  /** Undefined where every namespace is meant. */
  readonly namespaceSelector: LabelSelector | undefined;
  readonly objectSelector: LabelSelector | undefined;
  readonly conditions: MatchConditions | undefined;
  /** Whether requests go on when it cannot be asked. */
  readonly failsOpen: boolean;
  /** Whether it may be asked about what is only tried. */
  readonly safeOnDryRun: boolean;
  readonly reinvocable: boolean;
  /** The first one that it and this server know; undefined where there is none. */
  readonly reviewVersion: ReviewVersion | undefined;
  readonly timeoutSeconds: number;
  readonly client: WebhookClient;
}

export type ReviewVersion = 'v1' | 'v1beta1';

/** A webhook that a request's rules lead to, and the version of the object that it has asked for. */
export interface Invocation {
  readonly webhook: Webhook;
  readonly form: ObjectForm;
  /** Its place among all webhooks of its type, by which the audit log knows it. */
  readonly index: number;
}

/** The objects of a request in the version that is asked for. */
export interface ShownObjects {
  readonly object: KubernetesObject | undefined;
  readonly oldObject: KubernetesObject | undefined;
}

export type MatchOutcome = 'matched' | 'excluded' | { readonly error: string };

/** The `matchConditions` of a webhook or policy (KEP-3716), compiled. */
export interface MatchConditions {
  /**
   * All must hold. One that does not excludes the request, also where others cannot be evaluated; `error` is what the
   * request is refused with then.
   */
  match(attributes: AdmissionAttributes, form: ObjectForm, shown: ShownObjects): MatchOutcome | Promise<MatchOutcome>;
}

/** Compiles conditions. They have passed validation, so that it does not throw; what cannot be compiled fails when asked. */
export type MatchConditionsCompiler = (conditions: readonly MatchCondition[]) => MatchConditions;

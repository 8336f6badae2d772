import type { AdmissionAttributes } from '@keelson/core/admission';
import { RuleSet } from '../rule-set.ts';
import type { Invocation, Webhook } from './contract.ts';

/** Webhooks in the order in which they are asked. */
export class WebhookSet {
  readonly #rules: RuleSet<Webhook, Invocation>;

  constructor(webhooks: readonly Webhook[]) {
    this.#rules = new RuleSet(webhooks, (webhook, form, index) => ({ webhook, form, index }));
  }

  /** The webhooks whose rules mean a request; selectors and conditions are still to be asked. */
  invocations(attributes: AdmissionAttributes): readonly Invocation[] {
    return this.#rules.of(attributes);
  }
}

import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import { namespaceOf } from './admission-review.ts';
import type { Invocation, Webhook } from './contract.ts';
import { ruleMatches } from './rule-match.ts';

const group = 'admissionregistration.k8s.io';
const exempt = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
]);

/** Nobody may lock others out of what configures admission. */
export const isExempt = (asked: Pick<AdmissionAttributes, 'group' | 'resource'>) =>
  asked.group === group && exempt.has(asked.resource);

const none: readonly Invocation[] = [];

/** Webhooks in the order in which they are asked, with what their rules say of each kind of request, worked out once. */
export class WebhookSet {
  readonly #webhooks: readonly Webhook[];
  /** By the forms of a kind, which are other ones as soon as its versions change; then by operation and scope. */
  readonly #known = new WeakMap<readonly ObjectForm[], Map<string, readonly Invocation[]>>();

  constructor(webhooks: readonly Webhook[]) {
    this.#webhooks = webhooks;
  }

  /** The webhooks whose rules mean a request; selectors and conditions are still to be asked. */
  invocations(attributes: AdmissionAttributes): readonly Invocation[] {
    if (this.#webhooks.length === 0) return none;
    const { forms } = attributes;
    if (!forms || isExempt(attributes)) return none;
    let byRequest = this.#known.get(forms);
    if (!byRequest) {
      byRequest = new Map();
      this.#known.set(forms, byRequest);
    }
    const namespace = namespaceOf(attributes);
    const key = namespace === '' ? attributes.operation : `${attributes.operation}/`;
    let found = byRequest.get(key);
    if (!found) {
      found = this.#webhooks.flatMap((webhook, index) => {
        const form = formFor(webhook, attributes, forms, namespace);
        return form ? [{ webhook, form, index }] : [];
      });
      byRequest.set(key, found);
    }
    return found;
  }
}

/** The version that a webhook is to see: the request's where its rules mean that, else the first equivalent one that they mean. */
function formFor(
  { rules, equivalent }: Pick<Webhook, 'rules' | 'equivalent'>,
  { operation, subresource = '' }: AdmissionAttributes,
  [requested, ...others]: readonly ObjectForm[],
  namespace: string,
): ObjectForm | undefined {
  const means = (form: ObjectForm) => (rule: Webhook['rules'][number]) =>
    ruleMatches(rule, { operation, resource: form.resource, subresource, namespace });
  if (!requested || rules.some(means(requested))) return requested;
  if (!equivalent) return undefined;
  for (const rule of rules) {
    const form = others.find((each) => means(each)(rule));
    if (form) return form;
  }
  return undefined;
}

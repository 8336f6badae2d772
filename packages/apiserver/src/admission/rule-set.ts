import type { RuleWithOperations } from '@keelson/core';
import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import { namespaceOf } from './webhook/admission-review.ts';
import { ruleMatches } from './webhook/rule-match.ts';

/** What is asked about requests that rules mean: a webhook, a policy. */
export interface Ruled {
  readonly rules: readonly RuleWithOperations[];
  /** Whether a rule that names another version of the same objects means a request as well (`matchPolicy`). */
  readonly equivalent: boolean;
}

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

/** What there is to be asked, in order, with what its rules say of each kind of request, worked out once. */
export class RuleSet<Item extends Ruled, Found> {
  readonly #items: readonly Item[];
  readonly #found: (item: Item, form: ObjectForm, index: number) => Found;
  /** By the forms of a kind, which are other ones as soon as its versions change; then by operation and scope. */
  readonly #known = new WeakMap<readonly ObjectForm[], Map<string, readonly Found[]>>();

  /** @param found what is kept of an item whose rules mean a request, and of the version that it is to see */
  constructor(items: readonly Item[], found: (item: Item, form: ObjectForm, index: number) => Found) {
    this.#items = items;
    this.#found = found;
  }

  /** Those whose rules mean a request; selectors and conditions are still to be asked. */
  of(attributes: AdmissionAttributes): readonly Found[] {
    const { forms } = attributes;
    if (this.#items.length === 0 || !forms || isExempt(attributes)) return [];
    let byRequest = this.#known.get(forms);
    if (!byRequest) {
      byRequest = new Map();
      this.#known.set(forms, byRequest);
    }
    const namespace = namespaceOf(attributes);
    const { operation, subresource = '' } = attributes;
    const key = `${operation}/${subresource}/${namespace === '' ? 'cluster' : 'namespaced'}`;
    let found = byRequest.get(key);
    if (!found) {
      found = this.#items.flatMap((item, index) => {
        const form = formFor(item, attributes, forms, namespace);
        return form ? [this.#found(item, form, index)] : [];
      });
      byRequest.set(key, found);
    }
    return found;
  }
}

/** The version that is to be seen: the request's where the rules mean that, else the first equivalent one that they mean. */
export function formFor(
  { rules, equivalent }: Ruled,
  { operation, subresource = '' }: AdmissionAttributes,
  [requested, ...others]: readonly ObjectForm[],
  namespace: string,
): ObjectForm | undefined {
  const means = (form: ObjectForm) => (rule: RuleWithOperations) =>
    ruleMatches(rule, { operation, resource: form.resource, subresource, namespace });
  if (!requested || rules.some(means(requested))) return requested;
  if (!equivalent) return undefined;
  for (const rule of rules) {
    const form = others.find((each) => means(each)(rule));
    if (form) return form;
  }
  return undefined;
}

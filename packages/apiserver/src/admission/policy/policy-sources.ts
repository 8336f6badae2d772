import { type KubernetesObject, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '@keelson/core';
import { type Ruled, RuleSet } from '../rule-set.ts';
import type { FollowKind } from '../webhook/webhook-sources.ts';
import { compileMutatingBinding, compileMutatingPolicy, type MutatingPolicy } from './compile-mutating-policy.ts';
import { compileBinding, compileValidatingPolicy } from './compile-policy.ts';
import type { BoundPolicy, PolicyBinding, ValidatingPolicy } from './contract.ts';
import { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from './mutating-kinds.ts';

export type BoundPolicies<Policy> = RuleSet<BoundPolicy<Policy>, BoundPolicy<Policy>>;

/** Policies of one type and their bindings, as they come, change and go: a request looks at what is in memory. */
export class PolicySet<Policy extends Ruled> {
  readonly #policies = new Map<string, { readonly spec: string; readonly policy: Policy }>();
  readonly #bindings = new Map<string, { readonly policy: string; readonly binding: PolicyBinding }>();
  #current: BoundPolicies<Policy> | undefined;

  get current(): BoundPolicies<Policy> {
    this.#current ??= this.#build();
    return this.#current;
  }

  /** `compile` is asked only where the spec is another one than before. */
  setPolicy(name: string, object: KubernetesObject | undefined, compile: () => Policy): void {
    const { uid = '', generation = 0 } = object?.metadata ?? {};
    const spec = `${uid}/${generation}`;
    if (object && this.#policies.get(name)?.spec === spec) return;
    if (object) this.#policies.set(name, { spec, policy: compile() });
    else this.#policies.delete(name);
    this.#current = undefined;
  }

  setBinding(name: string, policy: string | undefined, binding: PolicyBinding | undefined): void {
    if (binding && policy !== undefined) this.#bindings.set(name, { policy, binding });
    else this.#bindings.delete(name);
    this.#current = undefined;
  }

  #build(): BoundPolicies<Policy> {
    const byPolicy = new Map<string, PolicyBinding[]>();
    for (const [, { policy, binding }] of byName(this.#bindings)) {
      const bound = byPolicy.get(policy);
      if (bound) bound.push(binding);
      else byPolicy.set(policy, [binding]);
    }
    const bound: BoundPolicy<Policy>[] = [];
    for (const [name, { policy }] of byName(this.#policies)) {
      const bindings = byPolicy.get(name);
      if (bindings) bound.push({ policy, bindings, rules: policy.rules, equivalent: policy.equivalent });
    }
    return new RuleSet(bound, (each) => each);
  }
}

const byName = <Value>(map: ReadonlyMap<string, Value>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

/** What validates and mutates by policies now. */
export class PolicySources {
  readonly #validating = new PolicySet<ValidatingPolicy>();
  readonly #mutating = new PolicySet<MutatingPolicy>();

  validating = (): BoundPolicies<ValidatingPolicy> => this.#validating.current;

  mutating = (): BoundPolicies<MutatingPolicy> => this.#mutating.current;

  /** @param mutating whether mutating policies are served; those that are not do nothing */
  async start(follow: FollowKind, mutating: boolean): Promise<void> {
    await follow(ValidatingAdmissionPolicy, (name, object) =>
      // What lies under the prefix of a kind was decoded by its schema when it was written.
      this.#validating.setPolicy(name, object, () => compileValidatingPolicy(object as ValidatingAdmissionPolicy)),
    );
    await follow(ValidatingAdmissionPolicyBinding, (name, object) => {
      const binding = object as ValidatingAdmissionPolicyBinding | undefined;
      this.#validating.setBinding(name, binding?.spec?.policyName, binding && compileBinding(binding));
    });
    if (mutating) await this.#startMutating(follow);
  }

  async #startMutating(follow: FollowKind): Promise<void> {
    await follow(MutatingAdmissionPolicy, (name, object) =>
      this.#mutating.setPolicy(name, object, () => compileMutatingPolicy(object as MutatingAdmissionPolicy)),
    );
    await follow(MutatingAdmissionPolicyBinding, (name, object) => {
      const binding = object as MutatingAdmissionPolicyBinding | undefined;
      this.#mutating.setBinding(name, binding?.spec?.policyName, binding && compileMutatingBinding(binding));
    });
  }
}

import { deepEqual, isJsonObject, type JsonObject, type KubernetesObject, StatusError } from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin, ObjectForm } from '@keelson/core/admission';
import { jsonValue } from '../../cel/index.ts';
import { refuse } from '../refuse.ts';
import { Shown } from '../webhook/choose-webhook.ts';
import { InvocationRounds } from '../webhook/invocation-rounds.ts';
import { applyMutation, type MergeConfiguration } from './apply-mutation.ts';
import type { MutatingPolicy, PolicyMutation } from './compile-mutating-policy.ts';
import type { BoundPolicy, FindParams, PolicyBinding } from './contract.ts';
import { conditionsHold, costOfAll, Evaluation, outOfBudget } from './evaluate-policy.ts';
import { PolicyInput, type PolicyInputEnvironment } from './policy-input.ts';
import { matchedForm } from './policy-match.ts';
import { collectParams, missingParamKind } from './policy-params.ts';
import type { BoundPolicies } from './policy-sources.ts';

export interface MutatingPolicyEnvironment extends PolicyInputEnvironment {
  readonly policies: { mutating(): BoundPolicies<MutatingPolicy> };
  readonly findParams: FindParams;
  readonly mergeConfiguration: MergeConfiguration;
}

const pluginName = 'MutatingAdmissionPolicy';

/**
 * MutatingAdmissionPolicies and their bindings (KEP-3962), one after the other by name. What they change, the plugins
 * before them see in a second round; policies see it again if their reinvocation policy wants that.
 */
export function mutatingPolicies(environment: MutatingPolicyEnvironment): AdmissionPlugin {
  return {
    name: pluginName,
    admit(attributes) {
      if (!attributes.object || attributes.operation === 'DELETE') return undefined;
      const bound = environment.policies.mutating().of(attributes);
      return bound.length === 0 ? undefined : new Mutator(environment, attributes).run(bound);
    },
  };
}

/** A policy over one object of parameters. */
interface Invocation {
  readonly id: string;
  readonly policy: MutatingPolicy;
  readonly binding: PolicyBinding;
  readonly form: ObjectForm;
  readonly params: KubernetesObject | undefined;
}

/** One request before all policies that may mean it. */
class Mutator {
  readonly #environment: MutatingPolicyEnvironment;
  readonly #attributes: AdmissionAttributes;
  readonly #shown: Shown;
  readonly #input: PolicyInput;
  readonly #refusals: Refusal[] = [];

  constructor(environment: MutatingPolicyEnvironment, attributes: AdmissionAttributes) {
    this.#environment = environment;
    this.#attributes = attributes;
    this.#shown = new Shown(attributes);
    this.#input = new PolicyInput(environment, attributes, this.#shown);
  }

  async run(bound: readonly BoundPolicy<MutatingPolicy>[]): Promise<KubernetesObject | undefined> {
    const invocations: Invocation[] = [];
    for (const each of bound) invocations.push(...(await this.#invocations(each)));
    const { reinvocation, object } = this.#attributes;
    const rounds = InvocationRounds.of(pluginName, reinvocation);
    const again = reinvocation?.again ?? false;
    if (again && !deepEqual(object, rounds.output)) rounds.changed();
    for (const invocation of invocations) {
      if (again && !rounds.isDueAgain(invocation.id)) continue;
      await this.#invoke(invocation, rounds);
    }
    const [first] = this.#refusals;
    if (first) throw refused(this.#attributes, first, this.#refusals);
    rounds.output = this.#shown.object;
    if (this.#shown.object === object) return undefined;
    // A policy that has changed something itself is asked again too, as by Kubernetes.
    rounds.changed();
    reinvocation?.request();
    return this.#shown.object;
  }

  /** Looks at the object as it came, whatever policies before this one make of it. */
  async #invocations({ policy, bindings }: BoundPolicy<MutatingPolicy>): Promise<readonly Invocation[]> {
    const { reader, findParams } = this.#environment;
    const misconfigured = (error: unknown, what: string, binding?: PolicyBinding) =>
      this.#refuse(policy, binding, `failed to configure ${what}: ${textOf(error)}`, 'Forbidden');
    const found: Invocation[] = [];
    let at: PolicyBinding | undefined;
    try {
      const form = await matchedForm(policy, this.#attributes, reader);
      if (!form) return found;
      const kind = policy.paramKind && findParams(policy.paramKind);
      if (policy.paramKind && !kind) throw missingParamKind(policy.paramKind);
      for (const binding of bindings) {
        at = binding;
        if (!(await matchedForm(binding, this.#attributes, reader))) continue;
        const { paramRef } = binding;
        const namespace = this.#attributes.namespace ?? '';
        const objects = kind && paramRef ? await collectParams(paramRef, kind, namespace) : [undefined];
        for (const params of objects) {
          const id = JSON.stringify([policy.name, binding.name, params?.metadata.namespace, params?.metadata.name]);
          found.push({ id, policy, binding, form, params });
        }
      }
    } catch (error) {
      misconfigured(error, at ? 'binding' : 'policy', at);
    }
    return found;
  }

  /** A mutation that fails takes nothing back, and does not keep those after it from being done. */
  async #invoke({ id, policy, binding, form, params: given }: Invocation, rounds: InvocationRounds): Promise<void> {
    const before = this.#shown.object;
    const { signal } = this.#attributes;
    const params = given === undefined ? null : jsonValue(given);
    const fail = (message: string) => this.#refuse(policy, binding, message, 'Invalid');
    const matched = await conditionsHold(policy.conditions, { ...(await this.#input.of(form)), params }, signal);
    if (matched !== 'matched') {
      if (matched !== 'excluded') fail(matched.error);
      return;
    }
    for (const mutation of policy.mutations) {
      // Each sees what the one before it made, in variables too.
      const activation = { ...(await this.#input.of(form)), params };
      const why = await this.#mutate(mutation, new Evaluation(policy.variables, activation, costOfAll, signal), form);
      if (why !== undefined) {
        fail(why);
        continue;
      }
      if (this.#shown.object !== before) rounds.changed();
      if (policy.reinvocable) rounds.wasAsked(id);
    }
  }

  /** Why it could not be done. */
  async #mutate(mutation: PolicyMutation, evaluation: Evaluation, form: ObjectForm): Promise<string | undefined> {
    const result = await evaluation.of(mutation);
    if (evaluation.spent) return outOfBudget;
    if (result.error !== undefined) return `expression '${mutation.text}' resulted in error: ${result.error}`;
    // What is shown is plain JSON.
    const live = (await this.#shown.in(form)).object as KubernetesObject & JsonObject;
    try {
      await this.#change(form, live, applyMutation(result.value, form, live, this.#environment.mergeConfiguration));
    } catch (error) {
      if (error instanceof StatusError) throw error;
      return textOf(error);
    }
  }

  async #change(form: ObjectForm, live: JsonObject, next: unknown): Promise<void> {
    if (next === live || deepEqual(next, live)) return;
    try {
      if (!isJsonObject(next)) throw new Error('the patched object is no object');
      this.#shown.change(await form.read(next, { strict: true }));
      this.#input.changed();
    } catch (error) {
      throw StatusError.internal(textOf(error));
    }
  }

  #refuse(policy: MutatingPolicy, binding: PolicyBinding | undefined, why: string, reason: string): void {
    if (policy.failsOpen) return;
    const who = binding
      ? `policy '${policy.name}' with binding '${binding.name}'`
      : `policy ${JSON.stringify(policy.name)}`;
    this.#refusals.push({ message: `${who} denied request: ${why}`, reason });
  }
}

interface Refusal {
  readonly message: string;
  readonly reason: string;
}

/** The first is the answer; all are named as its causes. */
function refused(attributes: AdmissionAttributes, first: Refusal, all: readonly Refusal[]): StatusError {
  const { status } = refuse(attributes, first.message);
  const causes = all.map(({ message }) => ({ message }));
  return new StatusError({ ...status, ...first, details: { ...status.details, causes } });
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

import { StatusError } from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin, ObjectForm } from '@keelson/core/admission';
import { jsonValue } from '../../cel/index.ts';
import type { Authorizer } from '../../registry/contract.ts';
import type { ObjectReader } from '../object-reader.ts';
import { refuse } from '../refuse.ts';
import { Shown } from '../webhook/choose-webhook.ts';
import type { BoundPolicy, FindParams, PolicyBinding, ValidatingPolicy } from './contract.ts';
import { evaluatePolicy, type PolicyRefusal } from './evaluate-policy.ts';
import { PolicyInput } from './policy-input.ts';
import { matchedForm } from './policy-match.ts';
import { collectParams, missingParamKind } from './policy-params.ts';
import type { BoundPolicies } from './policy-sources.ts';

export interface PolicyEnvironment {
  readonly reader: ObjectReader;
  readonly authorizer: Authorizer;
  readonly policies: { validating(): BoundPolicies<ValidatingPolicy> };
  readonly findParams: FindParams;
}

/** ValidatingAdmissionPolicies and their bindings (KEP-3488). */
export function validatingPolicies(environment: PolicyEnvironment): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(attributes) {
      const bound = environment.policies.validating().of(attributes);
      if (bound.length > 0) return new Review(environment, attributes).run(bound);
    },
  };
}

interface Failed {
  readonly policy: string;
  readonly binding?: string;
  readonly refusal: PolicyRefusal;
}

/** One request before all policies that may mean it. */
class Review {
  readonly #environment: PolicyEnvironment;
  readonly #attributes: AdmissionAttributes;
  readonly #input: PolicyInput;
  readonly #denied: Failed[] = [];
  readonly #audited: object[] = [];
  readonly #annotations = new Map<string, Set<string>>();

  constructor(environment: PolicyEnvironment, attributes: AdmissionAttributes) {
    this.#environment = environment;
    this.#attributes = attributes;
    this.#input = new PolicyInput(environment, attributes, new Shown(attributes));
  }

  async run(bound: readonly BoundPolicy<ValidatingPolicy>[]): Promise<void> {
    for (const each of bound) await this.#ask(each);
    this.#annotate();
    const [first] = this.#denied;
    if (first) throw refused(this.#attributes, first);
  }

  async #ask({ policy, bindings }: BoundPolicy<ValidatingPolicy>): Promise<void> {
    const { reader, findParams } = this.#environment;
    const misconfigured = (error: unknown, what: string, binding?: string) => {
      if (policy.failsOpen) return;
      const message = `failed to configure ${what}: ${error instanceof Error ? error.message : String(error)}`;
      this.#denied.push({ policy: policy.name, ...(binding !== undefined && { binding }), refusal: { message } });
    };
    let form: ObjectForm | undefined;
    try {
      form = await matchedForm(policy, this.#attributes, reader);
    } catch (error) {
      misconfigured(error, 'policy');
      return;
    }
    if (!form) return;
    const params = policy.paramKind && findParams(policy.paramKind);
    if (policy.paramKind && !params) {
      misconfigured(missingParamKind(policy.paramKind), 'policy');
      return;
    }
    for (const binding of bindings) {
      try {
        if (!(await matchedForm(binding, this.#attributes, reader))) continue;
        const namespace = this.#attributes.namespace ?? '';
        const { paramRef } = binding;
        const objects = params && paramRef ? await collectParams(paramRef, params, namespace) : [undefined];
        for (const object of objects) await this.#evaluate(policy, binding, form, object);
      } catch (error) {
        misconfigured(error, 'binding', binding.name);
      }
    }
  }

  async #evaluate(
    policy: ValidatingPolicy,
    binding: PolicyBinding,
    form: ObjectForm,
    params: object | undefined,
  ): Promise<void> {
    const activation = { ...(await this.#input.of(form)), params: params === undefined ? null : jsonValue(params) };
    const { refusals, annotations } = await evaluatePolicy(policy, activation, this.#attributes.signal);
    for (const refusal of refusals) this.#refuse(policy.name, binding, refusal);
    for (const { key, value } of annotations) {
      const known = this.#annotations.get(`${policy.name}/${key}`);
      if (known) known.add(value);
      else this.#annotations.set(`${policy.name}/${key}`, new Set([value]));
    }
  }

  #refuse(policy: string, { name: binding, actions }: PolicyBinding, refusal: PolicyRefusal): void {
    for (const action of actions) {
      if (action === 'Deny') this.#denied.push({ policy, binding, refusal });
      else if (action === 'Warn') {
        this.#attributes.warn(
          `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}': ${refusal.message}`,
        );
      } else if (action === 'Audit') {
        const { message, index = 0 } = refusal;
        this.#audited.push({ message, policy, binding, expressionIndex: index, validationActions: actions });
      }
    }
  }

  #annotate(): void {
    const attributes = this.#attributes;
    if (this.#audited.length > 0) {
      attributes.annotate?.('validation.policy.admission.k8s.io/validation_failure', JSON.stringify(this.#audited));
    }
    for (const [key, values] of this.#annotations) attributes.annotate?.(key, [...values].join(', '));
  }
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 };

function refused(attributes: AdmissionAttributes, { policy, binding, refusal }: Failed): StatusError {
  const bound = binding === undefined ? '' : ` with binding '${binding}'`;
  const message = `ValidatingAdmissionPolicy '${policy}'${bound} denied request: ${refusal.message}`;
  const { reason = 'Invalid' } = refusal;
  const { status } = refuse(attributes, message);
  return new StatusError({
    ...status,
    reason,
    code: codes[reason] ?? 422,
    details: { ...status.details, causes: [{ message }] },
  });
}

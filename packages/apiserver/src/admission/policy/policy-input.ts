import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import { type Activation, jsonValue, namespaceOf as namespaceShown } from '../../cel/index.ts';
import type { Authorizer } from '../../registry/contract.ts';
import { requestActivation } from '../admission-expressions.ts';
import type { ObjectReader } from '../object-reader.ts';
import { namespaceInRequest } from '../request-namespace.ts';
import type { Shown } from '../webhook/choose-webhook.ts';

export interface PolicyInputEnvironment {
  readonly reader: ObjectReader;
  readonly authorizer: Authorizer;
}

/** What the expressions of policies are shown of one request, made once for each version until the object changes. */
export class PolicyInput {
  readonly #environment: PolicyInputEnvironment;
  readonly #attributes: AdmissionAttributes;
  readonly #shown: Shown;
  readonly #activations = new Map<ObjectForm, Activation>();
  #namespace: Promise<unknown> | undefined;

  constructor(environment: PolicyInputEnvironment, attributes: AdmissionAttributes, shown: Shown) {
    this.#environment = environment;
    this.#attributes = attributes;
    this.#shown = shown;
  }

  /** The object is another one now. */
  changed(): void {
    this.#activations.clear();
  }

  /** The variables that all policies have which look at the same version. */
  async of(form: ObjectForm): Promise<Activation> {
    const known = this.#activations.get(form);
    if (known) return known;
    const shown = await this.#shown.in(form);
    const { authorizer } = this.#environment;
    const activation: Activation = {
      ...requestActivation({ attributes: this.#attributes, form, shown, authorizer }),
      namespaceObject: jsonValue(await this.#namespaceObject()),
    };
    this.#activations.set(form, activation);
    return activation;
  }

  /** Nothing for what is in no namespace, and for namespaces themselves. */
  #namespaceObject(): Promise<unknown> {
    const { namespace = '', group, resource } = this.#attributes;
    this.#namespace ??=
      namespace === '' || (group === '' && resource === 'namespaces')
        ? Promise.resolve(null)
        : namespaceInRequest(this.#attributes, namespace, this.#environment.reader).then(namespaceShown);
    return this.#namespace;
  }
}

import { type KubernetesObject, StatusError } from '@keelson/core';
import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import type { ObjectReader } from '../object-reader.ts';
import { type ShownJson, shownJson } from './admission-review.ts';
import type { CallEnvironment } from './call-webhook.ts';
import type { Invocation, ShownObjects } from './contract.ts';
import { selectorsMatch } from './match-webhook.ts';

/** The objects of a request as webhooks see them: each version is made once, until somebody changes the object. */
export class Shown {
  readonly #attributes: AdmissionAttributes;
  readonly #objects = new Map<ObjectForm, ShownObjects>();
  readonly #json = new Map<ObjectForm, ShownJson>();
  object: KubernetesObject | undefined;

  constructor(attributes: AdmissionAttributes) {
    this.#attributes = attributes;
    this.object = attributes.object;
  }

  async in(form: ObjectForm): Promise<ShownObjects> {
    let made = this.#objects.get(form);
    if (!made) {
      const { oldObject } = this.#attributes;
      made = {
        object: this.object && (await form.show(this.object)),
        oldObject: oldObject && (await form.show(oldObject)),
      };
      this.#objects.set(form, made);
    }
    return made;
  }

  async json(form: ObjectForm): Promise<ShownJson> {
    let made = this.#json.get(form);
    if (!made) {
      made = shownJson(await this.in(form), this.#attributes.operation);
      this.#json.set(form, made);
    }
    return made;
  }

  change(object: KubernetesObject): void {
    this.object = object;
    this.#objects.clear();
    this.#json.clear();
  }
}

/**
 * Whether a webhook whose rules mean a request is asked: by its selectors, then by its match conditions. Rejects with a
 * `StatusError` where that cannot be told and the webhook's policy is to refuse then.
 */
export async function isAsked(
  { webhook, form }: Invocation,
  attributes: AdmissionAttributes,
  shown: Shown,
  { reader, metrics }: CallEnvironment & { readonly reader: ObjectReader },
): Promise<boolean> {
  if (!(await selectorsMatch(webhook, attributes, shown.object, reader))) return false;
  const { conditions, name, failsOpen, type } = webhook;
  if (!conditions) return true;
  const outcome = await conditions.match(attributes, form, await shown.in(form));
  if (outcome === 'matched') return true;
  const step = type === 'mutating' ? 'admit' : 'validate';
  if (outcome === 'excluded') {
    metrics.excluded(name, attributes.operation, step, 'webhook');
    return false;
  }
  metrics.conditionFailed(name, attributes.operation, step, 'webhook');
  if (failsOpen) return false;
  const { group, resource } = attributes;
  throw StatusError.forbidden({ group, resource }, attributes.name, outcome.error);
}

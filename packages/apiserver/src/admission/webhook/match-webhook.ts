import { type KubernetesObject, type LabelSelector, labelSelectorMatches } from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';
import type { ObjectReader } from '../object-reader.ts';
import { namespaceInRequest } from '../request-namespace.ts';
import { namespaceOf } from './admission-review.ts';
import type { Webhook } from './contract.ts';

/** A selector that selects everything is none. */
export function unlessEmpty(selector: LabelSelector | undefined): LabelSelector | undefined {
  const { matchLabels, matchExpressions } = selector ?? {};
  return Object.keys(matchLabels ?? {}).length === 0 && !matchExpressions?.length ? undefined : selector;
}

type Selectors = Pick<Webhook, 'namespaceSelector' | 'objectSelector'>;

/**
 * Whether a webhook's selectors let a request through. Rejects with NotFound for a namespace that is not there. `object`
 * is what earlier webhooks have made of the request's.
 */
export async function selectorsMatch(
  { namespaceSelector, objectSelector }: Selectors,
  attributes: AdmissionAttributes,
  object: KubernetesObject | undefined,
  reader: ObjectReader,
): Promise<boolean> {
  if (
    objectSelector &&
    !selectsObject(objectSelector, object) &&
    !selectsObject(objectSelector, attributes.oldObject)
  ) {
    return false;
  }
  if (!namespaceSelector) return true;
  const namespace = namespaceOf(attributes);
  // What is in no namespace is never left out by one.
  if (namespace === '' && attributes.resource !== 'namespaces') return true;
  return labelSelectorMatches(namespaceSelector, await namespaceLabels(attributes, object, namespace, reader));
}

const selectsObject = (selector: Webhook['objectSelector'], object: KubernetesObject | undefined) =>
  object !== undefined && labelSelectorMatches(selector, object.metadata.labels);

async function namespaceLabels(
  attributes: AdmissionAttributes,
  object: KubernetesObject | undefined,
  namespace: string,
  reader: ObjectReader,
): Promise<Readonly<Record<string, string>> | undefined> {
  const { resource, subresource, operation } = attributes;
  const written = operation === 'CREATE' || operation === 'UPDATE';
  if (resource === 'namespaces' && subresource === undefined && written) return object?.metadata.labels;
  return (await namespaceInRequest(attributes, namespace, reader)).metadata.labels;
}

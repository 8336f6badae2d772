import type { KubernetesObject } from '@keelson/core';
import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import { type Activation, CelAuthorizer, jsonValue } from '../cel/index.ts';
import type { Authorizer } from '../registry/contract.ts';
import { reviewRequest } from './webhook/admission-review.ts';
import type { ShownObjects } from './webhook/contract.ts';

/** What expressions look at. */
interface ExpressionInput {
  readonly attributes: AdmissionAttributes;
  readonly form: ObjectForm;
  readonly shown: ShownObjects;
  readonly authorizer: Authorizer;
}

/**
 * The values of `admissionVariables` for one request but `namespaceObject`; for one evaluation after the other, as
 * answers of the authorizer are kept.
 */
export function requestActivation({ attributes, form, shown, authorizer }: ExpressionInput): Activation {
  const { group, version, resource, subresource, namespace, name, user } = attributes;
  const asker = new CelAuthorizer(user, (request) => authorizer.authorize(request));
  const own = { group, version, resource, ...(subresource && { subresource }), ...(namespace && { namespace }), name };
  return {
    object: celOf(shown.object),
    oldObject: celOf(shown.oldObject),
    request: jsonValue(reviewRequest(attributes, form)),
    authorizer: asker,
    'authorizer.requestResource': asker.resource(own),
  };
}

const celOf = (object: KubernetesObject | undefined) => (object === undefined ? null : jsonValue(object));

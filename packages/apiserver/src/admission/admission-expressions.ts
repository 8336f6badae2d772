import type { KubernetesObject } from '@keelson/core';
import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import {
  type Activation,
  admissionVariables,
  CelAuthorizer,
  CelEnvironment,
  jsonValue,
  kubernetesLibraries,
  standardLibrary,
} from '../cel/index.ts';
import type { Authorizer } from '../registry/contract.ts';
import { reviewRequest } from './webhook/admission-review.ts';
import type { ShownObjects } from './webhook/contract.ts';

/** Where match conditions of webhooks are compiled. */
export const matchConditionEnvironment = new CelEnvironment({
  libraries: [standardLibrary, ...kubernetesLibraries()],
  variables: admissionVariables,
});

/** What expressions look at. */
export interface ExpressionInput {
  readonly attributes: AdmissionAttributes;
  readonly form: ObjectForm;
  readonly shown: ShownObjects;
  readonly authorizer: Authorizer;
}

/** The values of `admissionVariables` for one request; for one evaluation after the other, as answers are kept. */
export function admissionActivation({ attributes, form, shown, authorizer }: ExpressionInput): Activation {
  const { group, version, resource, subresource, namespace, name, user } = attributes;
  const asker = new CelAuthorizer(user, (request) => authorizer.authorize(request));
  const own = { group, version, resource, ...(subresource && { subresource }), ...(namespace && { namespace }), name };
  return {
    object: celOf(shown.object),
    oldObject: celOf(shown.oldObject),
    request: jsonValue(reviewRequest(attributes, form)),
    // Match conditions are declared it, and are shown nothing of it.
    namespaceObject: jsonValue({}),
    authorizer: asker,
    'authorizer.requestResource': asker.resource(own),
  };
}

const celOf = (object: KubernetesObject | undefined) => (object === undefined ? null : jsonValue(object));

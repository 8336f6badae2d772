import type { KubernetesObject } from '@keelson/core';
import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import {
  type Activation,
  authorizerType,
  boolType,
  CelAuthorizer,
  CelEnvironment,
  type CelType,
  dynType,
  fieldsOf,
  jsonValue,
  kubernetesLibraries,
  listType,
  mapType,
  objectType,
  resourceCheckType,
  standardLibrary,
  stringType,
} from '../cel/index.ts';
import type { Authorizer } from '../registry/contract.ts';
import { reviewRequest } from './webhook/admission-review.ts';
import type { ShownObjects } from './webhook/contract.ts';

const strings = listType(stringType);
const groupVersion = { group: stringType, version: stringType };
const kindType = objectType('kubernetes.GroupVersionKind', fieldsOf({ ...groupVersion, kind: stringType }));
const resourceType = objectType('kubernetes.GroupVersionResource', fieldsOf({ ...groupVersion, resource: stringType }));
const userInfoType = objectType(
  'kubernetes.UserInfo',
  fieldsOf({ username: stringType, uid: stringType, groups: strings, extra: mapType(stringType, strings) }),
);

/** What `request` is in expressions of admission: an AdmissionRequest without its objects. */
export const admissionRequestType: CelType = objectType(
  'kubernetes.AdmissionRequest',
  fieldsOf({
    kind: kindType,
    resource: resourceType,
    subResource: stringType,
    requestKind: kindType,
    requestResource: resourceType,
    requestSubResource: stringType,
    name: stringType,
    namespace: stringType,
    operation: stringType,
    userInfo: userInfoType,
    dryRun: boolType,
    options: dynType,
  }),
);

/** The variables of match conditions; policies have some besides. */
export const admissionVariables: Readonly<Record<string, CelType>> = {
  object: dynType,
  oldObject: dynType,
  request: admissionRequestType,
  authorizer: authorizerType,
  'authorizer.requestResource': resourceCheckType,
};

/** Where match conditions of webhooks and policies are compiled. */
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
    authorizer: asker,
    'authorizer.requestResource': asker.resource(own),
  };
}

const celOf = (object: KubernetesObject | undefined) => (object === undefined ? null : jsonValue(object));

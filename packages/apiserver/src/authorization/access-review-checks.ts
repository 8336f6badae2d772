import {
  type FieldSelectorRequirement,
  type LabelSelectorRequirement,
  type LocalSubjectAccessReview,
  type ObjectMeta,
  type ResourceAttributes,
  type SelfSubjectAccessReview,
  StatusError,
  type SubjectAccessReview,
  validateLabelValue,
  validateQualifiedName,
} from '@keelson/core';
import { FieldErrors } from '../registry/strategy.ts';
import { inGoOrder } from '../schema/go-order.ts';

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** Of which kind a review is, and so what it has to say of itself. */
export type AccessReviewScope = 'self' | 'subject' | 'local';

type AccessReview = SelfSubjectAccessReview | SubjectAccessReview | LocalSubjectAccessReview;

const none = ['Exists', 'DoesNotExist'];
const some = ['In', 'NotIn'];

function checkValues(operator: string, values: readonly string[], at: string, errors: FieldErrors): void {
  if (some.includes(operator) && values.length === 0) {
    errors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
  }
  if (none.includes(operator) && values.length > 0) {
    errors.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  }
}

function checkField(requirement: FieldSelectorRequirement, at: string, errors: FieldErrors): void {
  const { key, operator, values = [] } = requirement;
  if (!key) errors.required(`${at}.key`, 'must be specified');
  checkValues(operator, values, at, errors);
}

function checkLabel(requirement: LabelSelectorRequirement, at: string, errors: FieldErrors): void {
  const { key = '', operator, values = [] } = requirement;
  checkValues(operator, values, at, errors);
  errors.rule(`${at}.key`, key, validateQualifiedName(key));
  values.forEach((value, index) => void errors.rule(`${at}.values[${index}]`, value, validateLabelValue(value)));
}

function checkSelector<T>(
  selector: { readonly rawSelector?: string; readonly requirements?: readonly T[] } | undefined,
  at: string,
  check: (requirement: T, at: string, errors: FieldErrors) => void,
  errors: FieldErrors,
): void {
  if (!selector) return;
  const { rawSelector = '', requirements = [] } = selector;
  if (rawSelector !== '' && requirements.length > 0) {
    errors.invalid(`${at}.rawSelector`, rawSelector, 'may not specified at the same time as requirements');
  }
  if (rawSelector === '' && requirements.length === 0) {
    errors.required(`${at}.requirements`, `when ${at} is specified, requirements or rawSelector is required`);
  }
  requirements.forEach((each, index) => void check(each, `${at}.requirements[${index}]`, errors));
}

function checkResource(attributes: ResourceAttributes | undefined, errors: FieldErrors): void {
  if (!attributes) return;
  const at = 'spec.resourceAttributes';
  checkSelector(attributes.fieldSelector, `${at}.fieldSelector`, checkField, errors);
  checkSelector(attributes.labelSelector, `${at}.labelSelector`, checkLabel, errors);
}

/** Reviews have no metadata; what this server itself has written there does not count. */
function checkEmpty(metadata: Partial<ObjectMeta>, local: boolean, errors: FieldErrors): void {
  const { managedFields: _owners, namespace, ...rest } = metadata;
  if (Object.keys(rest).length === 0 && (local || namespace === undefined)) return;
  errors.invalid('metadata', inGoOrder(objectMeta, metadata), `must be empty${local ? ' except for namespace' : ''}`);
}

/** Throws everything that is wrong with a question at once. */
export function checkAccessReview(review: AccessReview, scope: AccessReviewScope): void {
  const errors = new FieldErrors();
  const { spec, metadata } = review;
  const { resourceAttributes, nonResourceAttributes } = spec ?? {};
  const { path = '', verb = '' } = nonResourceAttributes ?? {};
  const shown = { Path: path, Verb: verb };
  if (resourceAttributes && nonResourceAttributes) {
    const why = 'cannot be specified in combination with resourceAttributes';
    errors.invalid('spec.nonResourceAttributes', shown, why);
  } else if (!resourceAttributes && !nonResourceAttributes) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    errors.invalid('spec.resourceAttributes', null, why);
  }
  if (scope !== 'self') {
    const { user, groups }: Partial<SubjectAccessReview['spec']> = spec ?? {};
    if (!user && !groups?.length) errors.invalid('spec.user', '', 'at least one of user or group must be specified');
  }
  checkResource(resourceAttributes, errors);
  checkEmpty(metadata ?? {}, scope === 'local', errors);
  if (scope === 'local') {
    const namespace = resourceAttributes?.namespace ?? '';
    if (resourceAttributes && namespace !== metadata?.namespace) {
      errors.invalid('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace');
    }
    if (nonResourceAttributes) {
      errors.invalid('spec.nonResourceAttributes', shown, 'disallowed on this kind of request');
    }
  }
  if (errors.list.length > 0)
    throw StatusError.invalid({ group: 'authorization.k8s.io', resource: '' }, '', errors.list);
}

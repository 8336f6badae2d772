import type { LabelSelector, LabelSelectorRequirement } from '../api/index.ts';
import { validateLabelValue, validateQualifiedName } from './name-validation.ts';
import type { FieldError } from './status-error.ts';

/** The API's findings about a `LabelSelector` at `path`, for example `spec.selector`. */
export function validateLabelSelector(selector: LabelSelector, path: string): FieldError[] {
  const errors = Object.entries(selector.matchLabels ?? {}).flatMap(([key, value]) => [
    ...validateQualifiedName(key).map((why) => invalid(`${path}.matchLabels`, key, why)),
    ...validateLabelValue(value).map((why) => invalid(`${path}.matchLabels`, value, why)),
  ]);
  const expressions = (selector.matchExpressions ?? []).flatMap((each, at) =>
    validateExpression(each, `${path}.matchExpressions[${at}]`),
  );
  return [...errors, ...expressions];
}

function validateExpression({ key, operator = '', values = [] }: LabelSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const set = operator === 'In' || operator === 'NotIn';
  const presence = operator === 'Exists' || operator === 'DoesNotExist';
  if (set && values.length === 0) {
    errors.push({
      type: 'FieldValueRequired',
      field: `${path}.values`,
      message: "Required value: must be specified when `operator` is 'In' or 'NotIn'",
    });
  }
  if (presence && values.length > 0) {
    errors.push({
      type: 'FieldValueForbidden',
      field: `${path}.values`,
      message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    });
  }
  if (!set && !presence) errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  errors.push(...validateQualifiedName(key).map((why) => invalid(`${path}.key`, key, why)));
  values.forEach((value, at) => {
    errors.push(...validateLabelValue(value).map((why) => invalid(`${path}.values[${at}]`, value, why)));
  });
  return errors;
}

function invalid(field: string, value: string, why: string): FieldError {
  return { type: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

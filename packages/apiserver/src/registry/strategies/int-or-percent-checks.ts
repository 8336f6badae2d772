import type { FieldErrors } from '../strategy.ts';
import { checkNonNegative } from './checks.ts';

type IntOrPercent = number | string | undefined;

const percent = /^[0-9]+%$/;
const notAPercent =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

export function checkIntOrPercent(field: string, value: IntOrPercent, errors: FieldErrors): void {
  if (typeof value === 'number') checkNonNegative(field, value, errors);
  else if (value !== undefined && !percent.test(value)) errors.invalid(field, value, notAPercent);
}

export function checkAtMostAll(field: string, value: IntOrPercent, errors: FieldErrors): void {
  if (typeof value === 'string' && percent.test(value) && Number.parseInt(value, 10) > 100) {
    errors.invalid(field, value, 'must not be greater than 100%');
  }
}

/** The number, or that of the percentage, or of the text; what is none of these counts as nothing. */
export function intOrPercentValue(value: IntOrPercent): number {
  if (typeof value === 'number') return value;
  return value !== undefined && /^(?:[0-9]+%|[+-]?[0-9]+)$/.test(value) ? Number.parseInt(value, 10) : 0;
}

import type { FieldErrors } from '../strategy.ts';

/** `Invalid value` about something that is not shown: it is large, or there is nothing to show. */
export function invalidUnshown(field: string, why: string, errors: FieldErrors): void {
  errors.list.push({ type: 'FieldValueInvalid', field, message: `Invalid value: ${why}` });
}

import type { JobSpec } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkNonNegative } from '../checks.ts';
import { countIndexes } from './indexes.ts';

/** KEP-3998: when an indexed job counts as done before all of its indexes are. */
export function checkSuccessPolicy(spec: JobSpec, at: string, errors: FieldErrors): void {
  const rules = spec.successPolicy?.rules ?? [];
  if (rules.length === 0)
    errors.required(`${at}.rules`, 'at least one rules must be specified when the successPolicy is specified');
  else if (rules.length > 20) errors.tooMany(`${at}.rules`, rules.length, 20);
  const completions = spec.completions ?? 0;
  rules.forEach(({ succeededCount, succeededIndexes }, index) => {
    const here = `${at}.rules[${index}]`;
    if (succeededCount === undefined && succeededIndexes === undefined) {
      errors.required(here, 'at least one of succeededCount or succeededIndexes must be specified');
    }
    let total: number | undefined;
    if (succeededIndexes !== undefined) {
      if (succeededIndexes.length > 64 * 1024) {
        errors.tooLong(`${here}.succeededIndexes`, 64 * 1024);
      }
      const counted = countIndexes(succeededIndexes, completions);
      if (typeof counted === 'string') {
        errors.invalid(`${here}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${counted}`);
        total = 0;
      } else total = counted;
    }
    if (succeededCount === undefined) return;
    checkNonNegative(`${here}.succeededCount`, succeededCount, errors);
    if (succeededCount > completions) {
      errors.invalid(
        `${here}.succeededCount`,
        succeededCount,
        `must be less than or equal to ${completions} (the number of specified completions)`,
      );
    }
    if (total !== undefined && succeededCount > total) {
      errors.invalid(
        `${here}.succeededCount`,
        succeededCount,
        `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`,
      );
    }
  });
}

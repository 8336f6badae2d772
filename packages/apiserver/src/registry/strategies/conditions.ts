import { validateQualifiedName } from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';

interface ConditionLike {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string | null;
  readonly observedGeneration?: number;
}

const statuses = ['False', 'True', 'Unknown'];
const reasonRule = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const reasonMessage =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";

/** The rules of `meta/v1` Condition, where a kind has such. */
export function checkConditions(
  conditions: readonly ConditionLike[] | undefined,
  at: string,
  errors: FieldErrors,
): void {
  const first = new Map<string, number>();
  (conditions ?? []).forEach((each, index) => {
    const here = `${at}[${index}]`;
    const { type = '', status = '', reason = '', message = '', observedGeneration, lastTransitionTime } = each;
    if (first.has(type)) errors.duplicate(`${here}.type`, type);
    first.set(type, index);
    errors.rule(`${here}.type`, type, validateQualifiedName(type));
    if (!statuses.includes(status)) errors.notSupported(`${here}.status`, status, statuses);
    if ((observedGeneration ?? 0) < 0) {
      errors.invalid(`${here}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero');
    }
    if (!lastTransitionTime) errors.required(`${here}.lastTransitionTime`);
    if (reason === '') errors.required(`${here}.reason`);
    else {
      if (!reasonRule.test(reason)) errors.invalid(`${here}.reason`, reason, reasonMessage);
      if (reason.length > 1024) errors.tooLong(`${here}.reason`, 1024);
    }
    if (message.length > 32768) errors.tooLong(`${here}.message`, 32768);
  });
}

import { type FieldError, type RequestOptions, StatusError } from '@keelson/core';
import { z } from 'zod';

/** What says how to delete, in a query or in a body, as it was sent. */
export const Deletion = z.object({
  gracePeriodSeconds: z.number().nullish(),
  preconditions: z.object({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
  orphanDependents: z.boolean().nullish(),
  propagationPolicy: z.string().nullish(),
  dryRun: z.array(z.string()).nullish(),
  ignoreStoreReadErrorWithClusterBreakingPotential: z.boolean().nullish(),
});

export type Deletion = z.infer<typeof Deletion>;

const policies = ['Foreground', 'Background', 'Orphan'] as const;

/** Throws a 422 for what says nothing that there is. */
export function deleteOptions(deletion: Deletion): RequestOptions {
  const { gracePeriodSeconds, preconditions, orphanDependents, propagationPolicy, dryRun } = deletion;
  const errors: FieldError[] = [];
  if (orphanDependents != null && propagationPolicy != null) {
    const message = `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`;
    errors.push({ type: 'FieldValueInvalid', field: 'propagationPolicy', message });
  }
  const supported = [...policies, 'nil'];
  const policy = oneOf(propagationPolicy ?? undefined, policies, 'propagationPolicy', errors, supported);
  const checked = checkedDryRun(dryRun ?? [], errors);
  if (errors.length > 0) throw StatusError.invalid({ group: 'meta.k8s.io', resource: 'DeleteOptions' }, '', errors);
  const { uid, resourceVersion } = preconditions ?? {};
  return defined({
    gracePeriodSeconds: gracePeriodSeconds ?? undefined,
    preconditions: preconditions
      ? defined({ uid: uid ?? undefined, resourceVersion: resourceVersion ?? undefined })
      : undefined,
    propagationPolicy: policy,
    orphanDependents: orphanDependents ?? undefined,
    dryRun: checked,
    ignoreStoreReadErrorWithClusterBreakingPotential:
      deletion.ignoreStoreReadErrorWithClusterBreakingPotential ?? undefined,
  });
}

function checkedDryRun(values: readonly string[], errors: FieldError[]): readonly string[] | undefined {
  if (values.length === 0) return undefined;
  if (values.some((each) => each !== 'All')) errors.push(unsupported('dryRun', values, ['All']));
  return values;
}

function oneOf<const T extends string>(
  value: string | undefined,
  allowed: readonly T[],
  field: string,
  errors: FieldError[],
  told: readonly string[] = allowed,
): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((each) => each === value);
  if (found === undefined) errors.push(unsupported(field, value, told));
  return found;
}

function unsupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const choices = supported.map((each) => JSON.stringify(each)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${choices}`;
  return { type: 'FieldValueNotSupported', field, message };
}

/** Leaves out what is undefined. */
export function defined<T extends object>(options: T): T {
  const kept: Partial<T> = {};
  for (const key in options) if (options[key] !== undefined) kept[key] = options[key];
  return kept as T;
}

import type { PodTemplateSpec } from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { validatePodTemplateSpec } from './pod-validation.ts';

/** `old`: the template as it was stored, on an update; `named`: its pods get names of hosts from who makes them. */
export function validateTemplate(
  template: PodTemplateSpec | undefined,
  at: string,
  errors: FieldErrors,
  old?: PodTemplateSpec,
  named = false,
): void {
  validatePodTemplateSpec(template ?? {}, at, errors, old, named);
}

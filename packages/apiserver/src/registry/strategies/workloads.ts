import type { PodTemplateSpec } from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { validatePodTemplateSpec } from './pod-validation.ts';

/** `old`: the template as it was stored, on an update. */
export function validateTemplate(
  template: PodTemplateSpec | undefined,
  at: string,
  errors: FieldErrors,
  old?: PodTemplateSpec,
): void {
  validatePodTemplateSpec(template ?? {}, at, errors, old);
}

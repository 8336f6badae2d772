import type { PodTemplateSpec } from '@keelson/core';
import type { FieldErrors, NamedStrategy } from '../strategy.ts';
import { validatePodTemplateSpec } from './pod-validation.ts';
import { podTemplateStrategy, replicationControllerStrategy } from './replication-controller.ts';

/** `old`: the template as it was stored, on an update. */
export function validateTemplate(
  template: PodTemplateSpec | undefined,
  at: string,
  errors: FieldErrors,
  old?: PodTemplateSpec,
): void {
  validatePodTemplateSpec(template ?? {}, at, errors, old);
}

export const workloadStrategies: readonly NamedStrategy[] = [replicationControllerStrategy, podTemplateStrategy];

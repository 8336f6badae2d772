import { deepEqual, type LabelSelector, type PodTemplateSpec } from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { checkSelector } from './checks.ts';
import { shownLabels, shownSelector } from './go-value.ts';
import { validateTemplateMetadata } from './pod-validation.ts';
import { isEmptySelector, isReadable, selectsTemplate } from './selectors.ts';
import { validateTemplate } from './workloads.ts';

export function checkSelectorGiven(
  selector: LabelSelector | null | undefined,
  kind: string,
  errors: FieldErrors,
): void {
  if (!selector) {
    errors.required('spec.selector');
    return;
  }
  checkSelector(selector, 'spec.selector', errors);
  if (isEmptySelector(selector)) {
    errors.invalid('spec.selector', shownSelector(selector), `empty selector is invalid for ${kind}`);
  }
}

/** The template of pods that are replaced when they end, which the selector must find. */
export function checkReplicaTemplate(
  selector: LabelSelector | null | undefined,
  template: PodTemplateSpec | undefined,
  errors: FieldErrors,
  old?: PodTemplateSpec,
  kind = 'ReplicaSet',
): void {
  if (selector && !isReadable(selector)) {
    if (kind === 'StatefulSet') {
      const message = `Invalid value: ${JSON.stringify(shownSelector(selector))}`;
      errors.list.push({ type: 'FieldValueInvalid', field: 'spec.selector', message });
      checkRunsForever(template, kind, errors);
    } else errors.invalid('spec.selector', shownSelector(selector), 'invalid label selector');
    return;
  }
  if (!(selector && isEmptySelector(selector)) && !selectsTemplate(selector, template)) {
    const labels = shownLabels(template?.metadata);
    errors.invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`');
  }
  validateTemplate(template, 'spec.template', errors, old, kind === 'StatefulSet');
  // Kubernetes looks at the metadata of a stateful set's template twice.
  if (kind === 'StatefulSet') validateTemplateMetadata(template ?? {}, 'spec.template', errors);
  checkRunsForever(template, kind, errors);
}

export function checkRunsForever(template: PodTemplateSpec | undefined, kind: string, errors: FieldErrors): void {
  const { restartPolicy, activeDeadlineSeconds } = template?.spec ?? {};
  if (restartPolicy !== 'Always' && template?.spec) {
    errors.notSupported('spec.template.spec.restartPolicy', restartPolicy ?? '', ['Always']);
  }
  if (activeDeadlineSeconds !== undefined) {
    errors.forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${kind} is not Supported`);
  }
}

export function selectorStays(selector: unknown, old: unknown, errors: FieldErrors): void {
  if (!deepEqual(selector, old)) errors.invalid('spec.selector', shownSelector(selector), 'field is immutable');
}

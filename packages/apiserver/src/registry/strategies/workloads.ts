import { PodTemplate, type PodTemplateSpec, ReplicationController, validateLabels } from '@keelson/core';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';
import { checkNonNegative } from './checks.ts';
import { defaultTemplate } from './pod-defaults.ts';
import { validatePodSpec } from './pod-validation.ts';

export function validateTemplate(template: PodTemplateSpec | undefined, at: string, errors: FieldErrors): void {
  if (template?.metadata?.labels) errors.list.push(...validateLabels(template.metadata.labels, `${at}.labels`));
  if (template?.spec) validatePodSpec(template.spec, `${at}.spec`, errors);
}

const replicationController = strategyFor(ReplicationController, {
  generation: 'spec',
  orphansByDefault: true,
  defaults({ spec, metadata }) {
    spec.replicas ??= 1;
    defaultTemplate(spec.template);
    const labels = spec.template?.metadata?.labels;
    if (!labels) return;
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  },
  validate({ spec }, errors) {
    checkNonNegative('spec.replicas', spec.replicas, errors);
    if (Object.keys(spec.selector ?? {}).length === 0) errors.required('spec.selector');
    if (!spec.template) errors.required('spec.template');
    validateTemplate(spec.template, 'spec.template', errors);
  },
});

const podTemplate = strategyFor(PodTemplate, {
  generation: 'spec',
  createOnUpdate: true,
  defaults: ({ template }) => defaultTemplate(template),
  validate: ({ template }, errors) => validateTemplate(template, 'template', errors),
});

export const workloadStrategies: readonly NamedStrategy[] = [replicationController, podTemplate];

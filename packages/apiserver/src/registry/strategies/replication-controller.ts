import { deepEqual, PodTemplate, type PodTemplateSpec, ReplicationController, validateDnsLabel } from '@keelson/core';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { checkNonNegative } from './checks.ts';
import { shownLabels } from './go-value.ts';
import { declaredName } from './name-checks.ts';
import { defaultTemplate } from './pod-defaults.ts';
import { validatePodTemplateSpec } from './pod-validation.ts';
import { podTemplateWarnings } from './pods/pod-warnings.ts';

/** For kinds whose name becomes part of the names of their pods. */
export function podNameWarnings(name: string): readonly string[] {
  const sentences = validateDnsLabel(name);
  if (sentences.length === 0) return [];
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${sentences.join(' ')}]`,
  ];
}

function validateTemplateFor(
  selector: Readonly<Record<string, string>>,
  template: PodTemplateSpec | undefined,
  errors: FieldErrors,
  old?: PodTemplateSpec,
): void {
  if (!template) {
    errors.required('spec.template');
    return;
  }
  const labels = template.metadata?.labels ?? {};
  const pairs = Object.entries(selector);
  if (pairs.length > 0 && pairs.some(([key, value]) => labels[key] !== value)) {
    const shown = shownLabels(template.metadata);
    errors.invalid('spec.template.metadata.labels', shown, '`selector` does not match template `labels`');
  }
  validatePodTemplateSpec(template, 'spec.template', errors, old);
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== 'Always') {
    errors.notSupported('spec.template.spec.restartPolicy', restartPolicy ?? '', ['Always']);
  }
  if (activeDeadlineSeconds !== undefined) {
    const why = 'activeDeadlineSeconds in ReplicationController is not Supported';
    errors.forbidden('spec.template.spec.activeDeadlineSeconds', why);
  }
}

export const replicationControllerStrategy = strategyFor(ReplicationController, {
  generation: 'spec',
  nameRule: declaredName,
  freePrefix: true,
  orphansByDefault: true,
  defaults(controller) {
    controller.spec ??= {};
    const { spec, metadata } = controller;
    spec.replicas ??= 1;
    defaultTemplate(spec.template);
    const labels = spec.template?.metadata?.labels;
    if (!labels) return;
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  },
  validate({ spec }, errors, old) {
    checkNonNegative('spec.minReadySeconds', spec?.minReadySeconds, errors);
    const selector = spec?.selector ?? {};
    if (Object.keys(selector).length === 0) errors.required('spec.selector');
    checkNonNegative('spec.replicas', spec?.replicas, errors);
    validateTemplateFor(selector, spec?.template, errors, old?.spec?.template);
  },
  validateStatusUpdate({ status }, _old, errors) {
    const { replicas = 0, fullyLabeledReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status ?? {};
    const counts = { replicas, fullyLabeledReplicas, readyReplicas, availableReplicas };
    for (const [name, value] of Object.entries(counts)) checkNonNegative(`status.${name}`, value, errors);
    checkNonNegative('status.observedGeneration', status?.observedGeneration, errors);
    const least = (field: string, value: number, most: number, than: string) => {
      if (value > most) errors.invalid(`status.${field}`, value, `cannot be greater than ${than}`);
    };
    least('fullyLabeledReplicas', fullyLabeledReplicas, replicas, 'status.replicas');
    least('readyReplicas', readyReplicas, replicas, 'status.replicas');
    least('availableReplicas', availableReplicas, replicas, 'status.replicas');
    least('availableReplicas', availableReplicas, readyReplicas, 'readyReplicas');
  },
  warnings({ metadata, spec }, old) {
    if (old && deepEqual(old.spec, spec)) return [];
    // Kubernetes warns of what stood there before.
    const ofTemplate = podTemplateWarnings((old?.spec ?? spec)?.template, 'spec.template');
    return old ? ofTemplate : [...podNameWarnings(metadata.name), ...ofTemplate];
  },
});

export const podTemplateStrategy = strategyFor(PodTemplate, {
  generation: 'spec',
  defaults(object) {
    object.template ??= { spec: { containers: [] } };
    object.template.spec ??= { containers: [] };
    defaultTemplate(object.template);
  },
  validate: ({ template }, errors, old) => validatePodTemplateSpec(template ?? {}, 'template', errors, old?.template),
  warnings: ({ template }, old) =>
    old && deepEqual(old.template, template) ? [] : podTemplateWarnings(template, 'template'),
});

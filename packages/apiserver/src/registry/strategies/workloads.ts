import {
  DaemonSet,
  Deployment,
  deepEqual,
  type LabelSelector,
  labelSelectorMatches,
  PodTemplate,
  type PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
  validateLabelSelector,
  validateLabels,
} from '@keelson/core';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';
import { checkNonNegative } from './checks.ts';
import { defaultTemplate } from './pod-defaults.ts';
import { validatePodSpec } from './pod-validation.ts';

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector) =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;

/** The selector and the template that it must fit. */
export function validateSelectorAndTemplate(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  kind: string,
  errors: FieldErrors,
): void {
  const required = kind !== 'daemonset';
  const before = errors.list.length;
  let readable = selector !== undefined;
  if (selector === undefined) {
    if (required) errors.required('spec.selector');
  } else {
    errors.list.push(...validateLabelSelector(selector, 'spec.selector'));
    if (isEmpty(selector)) errors.invalid('spec.selector', {}, `empty selector is invalid for ${kind}`);
    if (errors.list.length > before && !isEmpty(selector)) {
      readable = false;
      errors.invalid('spec.selector', selector, 'invalid label selector');
    }
  }
  const labels = template?.metadata?.labels;
  const fits = readable && selector !== undefined && labelSelectorMatches(selector, labels);
  if (!fits && (readable || selector === undefined) && !(selector && isEmpty(selector))) {
    errors.invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`');
  }
}

export function validateTemplate(template: PodTemplateSpec | undefined, at: string, errors: FieldErrors): void {
  if (template?.metadata?.labels) errors.list.push(...validateLabels(template.metadata.labels, `${at}.labels`));
  if (template?.spec) validatePodSpec(template.spec, `${at}.spec`, errors);
}

function validateAlwaysRunning(template: PodTemplateSpec | undefined, kind: string, errors: FieldErrors): void {
  const { restartPolicy, activeDeadlineSeconds } = template?.spec ?? {};
  if (restartPolicy !== undefined && restartPolicy !== 'Always') {
    if (['OnFailure', 'Never'].includes(restartPolicy)) {
      errors.notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']);
    }
  }
  if (activeDeadlineSeconds !== undefined) {
    errors.forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${kind} is not Supported`);
  }
}

function selectorStays(selector: unknown, old: unknown, errors: FieldErrors): void {
  if (!deepEqual(selector, old)) errors.invalid('spec.selector', selector, 'field is immutable');
}

const percent = /^[0-9]+%$/;

function checkIntOrPercent(field: string, value: number | string | undefined, errors: FieldErrors): void {
  if (typeof value === 'number') checkNonNegative(field, value, errors);
  else if (value !== undefined && !percent.test(value)) {
    errors.invalid(
      field,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    );
  }
}

function checkAtMostAll(field: string, value: number | string | undefined, errors: FieldErrors): void {
  if (typeof value === 'string' && percent.test(value) && Number.parseInt(value, 10) > 100) {
    errors.invalid(field, value, 'must not be greater than 100%');
  }
}

const isZero = (value: number | string | undefined) => value === 0 || value === '0%';

const deployment = strategyFor(Deployment, {
  generation: 'spec',
  defaults({ spec }) {
    spec.replicas ??= 1;
    defaultTemplate(spec.template);
    spec.strategy ??= {};
    spec.strategy.type ||= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
      spec.strategy.rollingUpdate.maxSurge ??= '25%';
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
  },
  validate({ spec }, errors) {
    checkNonNegative('spec.replicas', spec.replicas, errors);
    validateSelectorAndTemplate(spec.selector, spec.template, 'deployment', errors);
    validateTemplate(spec.template, 'spec.template', errors);
    validateAlwaysRunning(spec.template, 'ReplicaSet', errors);
    const { type, rollingUpdate } = spec.strategy ?? {};
    if (type === 'Recreate' && rollingUpdate) {
      errors.forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'");
    } else if (type !== 'Recreate' && type !== 'RollingUpdate') {
      errors.notSupported('spec.strategy', { Type: type ?? '', RollingUpdate: null }, ['Recreate', 'RollingUpdate']);
    } else if (rollingUpdate) {
      const at = 'spec.strategy.rollingUpdate';
      checkIntOrPercent(`${at}.maxUnavailable`, rollingUpdate.maxUnavailable, errors);
      checkIntOrPercent(`${at}.maxSurge`, rollingUpdate.maxSurge, errors);
      if (isZero(rollingUpdate.maxUnavailable) && isZero(rollingUpdate.maxSurge)) {
        errors.invalid(`${at}.maxUnavailable`, rollingUpdate.maxUnavailable, 'may not be 0 when `maxSurge` is 0');
      }
      checkAtMostAll(`${at}.maxUnavailable`, rollingUpdate.maxUnavailable, errors);
    }
    checkNonNegative('spec.minReadySeconds', spec.minReadySeconds, errors);
    checkNonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit, errors);
    const deadline = spec.progressDeadlineSeconds;
    if (deadline !== undefined) {
      checkNonNegative('spec.progressDeadlineSeconds', deadline, errors);
      if (deadline <= (spec.minReadySeconds ?? 0)) {
        errors.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds');
      }
    }
  },
  validateUpdate: (object, old, errors) => selectorStays(object.spec.selector, old.spec.selector, errors),
});

const replicaSet = strategyFor(ReplicaSet, {
  generation: 'spec',
  defaults({ spec }) {
    spec.replicas ??= 1;
    defaultTemplate(spec.template);
  },
  validate({ spec }, errors) {
    checkNonNegative('spec.replicas', spec.replicas, errors);
    checkNonNegative('spec.minReadySeconds', spec.minReadySeconds, errors);
    validateSelectorAndTemplate(spec.selector, spec.template, 'replicaset', errors);
    validateTemplate(spec.template, 'spec.template', errors);
    validateAlwaysRunning(spec.template, 'ReplicaSet', errors);
  },
  validateUpdate: (object, old, errors) => selectorStays(object.spec.selector, old.spec.selector, errors),
});

const daemonSet = strategyFor(DaemonSet, {
  generation: 'spec',
  defaults({ spec, metadata }) {
    defaultTemplate(spec.template);
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ||= 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    metadata.annotations = { 'deprecated.daemonset.template.generation': '1', ...metadata.annotations };
  },
  prepareUpdate(object, old) {
    const key = 'deprecated.daemonset.template.generation';
    const before = Number(old.metadata.annotations?.[key] ?? '1');
    const changed = !deepEqual(object.spec.template, old.spec.template);
    object.metadata.annotations = { ...object.metadata.annotations, [key]: String(changed ? before + 1 : before) };
  },
  validate({ spec }, errors) {
    validateSelectorAndTemplate(spec.selector, spec.template, 'daemonset', errors);
    validateTemplate(spec.template, 'spec.template', errors);
    validateAlwaysRunning(spec.template, 'DaemonSet', errors);
    checkNonNegative('spec.minReadySeconds', spec.minReadySeconds, errors);
    checkNonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit, errors);
  },
  validateUpdate: (object, old, errors) => selectorStays(object.spec.selector, old.spec.selector, errors),
});

const statefulSet = strategyFor(StatefulSet, {
  generation: 'spec',
  defaults({ spec }) {
    spec.replicas ??= 1;
    defaultTemplate(spec.template);
    spec.podManagementPolicy ||= 'OrderedReady';
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ||= 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.kind ??= 'PersistentVolumeClaim';
      claim.apiVersion ??= 'v1';
      claim.spec.volumeMode ??= 'Filesystem';
      claim.status = { ...claim.status, phase: claim.status?.phase ?? 'Pending' };
    }
  },
  prepareCreate(object) {
    object.status = { replicas: 0, availableReplicas: 0 };
  },
  validate({ spec }, errors) {
    checkNonNegative('spec.replicas', spec.replicas, errors);
    checkNonNegative('spec.minReadySeconds', spec.minReadySeconds, errors);
    validateSelectorAndTemplate(spec.selector, spec.template, 'statefulset', errors);
    validateTemplate(spec.template, 'spec.template', errors);
    validateAlwaysRunning(spec.template, 'StatefulSet', errors);
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    const kept = {
      ...spec,
      replicas: old.replicas,
      template: old.template,
      updateStrategy: old.updateStrategy,
      minReadySeconds: old.minReadySeconds,
      ordinals: old.ordinals,
      revisionHistoryLimit: old.revisionHistoryLimit,
      persistentVolumeClaimRetentionPolicy: old.persistentVolumeClaimRetentionPolicy,
    };
    if (!deepEqual(kept, old)) {
      errors.forbidden(
        'spec',
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      );
    }
  },
});

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

export const workloadStrategies: readonly NamedStrategy[] = [
  deployment,
  replicaSet,
  daemonSet,
  statefulSet,
  replicationController,
  podTemplate,
];

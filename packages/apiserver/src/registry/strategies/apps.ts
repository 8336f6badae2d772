import {
  ControllerRevision,
  DaemonSet,
  Deployment,
  type DeploymentStrategy,
  deepEqual,
  type PodTemplateSpec,
  ReplicaSet,
  type ReplicaSetSpec,
  validateLabelSelector,
} from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';
import { checkNonNegative } from './checks.ts';
import { goValue, shownLabels, shownSelector } from './go-value.ts';
import { checkAtMostAll, checkIntOrPercent, intOrPercentValue } from './int-or-percent-checks.ts';
import { defaultTemplate } from './pod-defaults.ts';
import { checkReplicaTemplate, checkRunsForever, checkSelectorGiven, selectorStays } from './replica-templates.ts';
import { isEmptySelector, isReadable, selectsTemplate } from './selectors.ts';
import { validateTemplate } from './workloads.ts';

const generationAnnotation = 'deprecated.daemonset.template.generation';

function checkDeploymentStrategy(strategy: DeploymentStrategy | undefined, at: string, errors: FieldErrors): void {
  const { type, rollingUpdate } = strategy ?? {};
  if (type === 'Recreate') {
    if (rollingUpdate) {
      errors.forbidden(`${at}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'");
    }
    return;
  }
  if (type !== 'RollingUpdate') {
    errors.notSupported(at, goValue('io.k8s.api.apps.v1.DeploymentStrategy', strategy ?? {}), [
      'Recreate',
      'RollingUpdate',
    ]);
    return;
  }
  if (!rollingUpdate) {
    errors.required(`${at}.rollingUpdate`, 'this should be defaulted and never be nil');
    return;
  }
  const { maxUnavailable, maxSurge } = rollingUpdate;
  checkIntOrPercent(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable, errors);
  checkIntOrPercent(`${at}.rollingUpdate.maxSurge`, maxSurge, errors);
  if (intOrPercentValue(maxUnavailable) === 0 && intOrPercentValue(maxSurge) === 0) {
    errors.invalid(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0');
  }
  checkAtMostAll(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable, errors);
}

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
  prepareUpdate({ metadata }, old) {
    // The deployment controller copies annotations to replica sets, so that a change of them is one of the spec.
    const { annotations = {}, generation = 0 } = old.metadata;
    if (!deepEqual(metadata.annotations ?? {}, annotations)) metadata.generation = generation + 1;
  },
  validate({ spec }, errors, old) {
    checkNonNegative('spec.replicas', spec.replicas, errors);
    checkSelectorGiven(spec.selector, 'deployment', errors);
    checkReplicaTemplate(spec.selector, spec.template, errors, old?.spec.template);
    checkDeploymentStrategy(spec.strategy, 'spec.strategy', errors);
    checkNonNegative('spec.minReadySeconds', spec.minReadySeconds, errors);
    checkNonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit, errors);
    const deadline = spec.progressDeadlineSeconds;
    if (deadline === undefined) return;
    checkNonNegative('spec.progressDeadlineSeconds', deadline, errors);
    if (deadline <= (spec.minReadySeconds ?? 0)) {
      errors.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds');
    }
  },
  validateUpdate: (object, old, errors) => selectorStays(object.spec.selector, old.spec.selector, errors),
  validateStatusUpdate({ status = {} }, old, errors) {
    for (const field of [
      'observedGeneration',
      'replicas',
      'updatedReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
      'terminatingReplicas',
      'collisionCount',
    ] as const) {
      checkNonNegative(`status.${field}`, status[field], errors);
    }
    const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
    const noMore = (field: string, value: number, than: number, of: string) => {
      if (value > than) errors.invalid(`status.${field}`, value, `cannot be greater than ${of}`);
    };
    noMore('updatedReplicas', updatedReplicas, replicas, 'status.replicas');
    noMore('readyReplicas', readyReplicas, replicas, 'status.replicas');
    noMore('availableReplicas', availableReplicas, replicas, 'status.replicas');
    noMore('availableReplicas', availableReplicas, readyReplicas, 'readyReplicas');
    const before = old.status?.collisionCount;
    if (before !== undefined && (status.collisionCount ?? -1) < before) {
      errors.invalid('status.collisionCount', status.collisionCount ?? 0, 'cannot be decremented');
    }
  },
});

const replicaSet = strategyFor(ReplicaSet, {
  generation: 'spec',
  defaults({ spec }) {
    spec.replicas ??= 1;
    defaultTemplate(spec.template);
  },
  validate: ({ spec }, errors, old) => checkReplicaSetSpec(spec, errors, old?.spec.template),
  validateUpdate: (object, old, errors) => selectorStays(object.spec.selector, old.spec.selector, errors),
  validateStatusUpdate({ status }, _old, errors) {
    const {
      replicas = 0,
      fullyLabeledReplicas = 0,
      readyReplicas = 0,
      availableReplicas = 0,
      observedGeneration = 0,
      terminatingReplicas,
    } = status ?? {};
    checkNonNegative('status.replicas', replicas, errors);
    checkNonNegative('status.fullyLabeledReplicas', fullyLabeledReplicas, errors);
    checkNonNegative('status.readyReplicas', readyReplicas, errors);
    checkNonNegative('status.availableReplicas', availableReplicas, errors);
    checkNonNegative('status.terminatingReplicas', terminatingReplicas, errors);
    checkNonNegative('status.observedGeneration', observedGeneration, errors);
    const noMore = (field: string, value: number, than: number, of: string) => {
      if (value > than) errors.invalid(`status.${field}`, value, `cannot be greater than ${of}`);
    };
    noMore('fullyLabeledReplicas', fullyLabeledReplicas, replicas, 'status.replicas');
    noMore('readyReplicas', readyReplicas, replicas, 'status.replicas');
    noMore('availableReplicas', availableReplicas, replicas, 'status.replicas');
    noMore('availableReplicas', availableReplicas, readyReplicas, 'readyReplicas');
  },
});

function checkReplicaSetSpec(spec: ReplicaSetSpec, errors: FieldErrors, old?: PodTemplateSpec): void {
  checkNonNegative('spec.replicas', spec.replicas, errors);
  checkNonNegative('spec.minReadySeconds', spec.minReadySeconds, errors);
  checkSelectorGiven(spec.selector, 'deployment', errors);
  checkReplicaTemplate(spec.selector, spec.template, errors, old);
}

function checkDaemonSetStrategy(strategy: DaemonSet['spec']['updateStrategy'], errors: FieldErrors): void {
  const at = 'spec.updateStrategy';
  const { type, rollingUpdate } = strategy ?? {};
  if (type === 'OnDelete') return;
  if (type !== 'RollingUpdate') {
    errors.notSupported(at, goValue('io.k8s.api.apps.v1.DaemonSetUpdateStrategy', strategy ?? {}), [
      'RollingUpdate',
      'OnDelete',
    ]);
    return;
  }
  if (!rollingUpdate) {
    errors.required(`${at}.rollingUpdate`);
    return;
  }
  const { maxUnavailable, maxSurge } = rollingUpdate;
  checkIntOrPercent(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable, errors);
  checkIntOrPercent(`${at}.rollingUpdate.maxSurge`, maxSurge, errors);
  checkAtMostAll(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable, errors);
  checkAtMostAll(`${at}.rollingUpdate.maxSurge`, maxSurge, errors);
  const unavailable = intOrPercentValue(maxUnavailable) !== 0;
  const surge = intOrPercentValue(maxSurge) !== 0;
  if (unavailable && surge) {
    errors.invalid(`${at}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero');
  }
  if (!unavailable && !surge) {
    errors.required(`${at}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0');
  }
}

const generationOf = (annotations: Readonly<Record<string, string>> | undefined) => {
  const text = annotations?.[generationAnnotation];
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
};

function setGeneration({ metadata }: Draft<DaemonSet>, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [generationAnnotation]: String(generation) };
}

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
    metadata.annotations = {
      ...metadata.annotations,
      [generationAnnotation]: metadata.annotations?.[generationAnnotation] ?? '0',
    };
  },
  prepareCreate: (object) => setGeneration(object, Math.max(1, generationOf(object.metadata.annotations) ?? 0)),
  prepareUpdate(object, old) {
    const before = generationOf(old.metadata.annotations) ?? 1;
    const changed = !deepEqual(object.spec.template, old.spec.template);
    setGeneration(object, changed ? before + 1 : before);
  },
  // Within Kubernetes the number is a part of the spec.
  prepareStatusUpdate: (object, old) => setGeneration(object, generationOf(old.metadata.annotations) ?? 1),
  validate({ spec }, errors, old) {
    const { selector, template } = spec;
    if (old) selectorStays(selector, old.spec.selector, errors);
    if (selector) {
      const from = errors.list.length;
      errors.list.push(...selectorFindings(selector));
      if (errors.list.length === from && !selectsTemplate(selector, template)) mismatch(template, errors);
      if (isEmptySelector(selector)) {
        errors.invalid('spec.selector', shownSelector(selector), 'empty selector is invalid for daemonset');
      }
    } else mismatch(template, errors);
    validateTemplate(template, 'spec.template', errors, old?.spec.template);
    checkRunsForever(template, 'DaemonSet', errors);
    checkNonNegative('spec.minReadySeconds', spec.minReadySeconds, errors);
    checkDaemonSetStrategy(spec.updateStrategy, errors);
    checkNonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit, errors);
  },
  validateStatusUpdate({ status }, old, errors) {
    for (const field of [
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
      'observedGeneration',
      'updatedNumberScheduled',
      'numberAvailable',
      'numberUnavailable',
    ] as const) {
      checkNonNegative(`status.${field}`, status?.[field], errors);
    }
    checkNonNegative('status.collisionCount', status?.collisionCount, errors);
    const before = old.status?.collisionCount;
    if (before !== undefined && (status?.collisionCount ?? -1) < before) {
      errors.invalid('status.collisionCount', status?.collisionCount ?? 0, 'cannot be decremented');
    }
  },
});

const selectorFindings = (selector: NonNullable<DaemonSet['spec']['selector']>) =>
  isReadable(selector) ? [] : validateLabelSelector(selector, 'spec.selector');

function mismatch(template: PodTemplateSpec | undefined, errors: FieldErrors): void {
  errors.invalid(
    'spec.template.metadata.labels',
    shownLabels(template?.metadata),
    '`selector` does not match template `labels`',
  );
}

function checkData(data: unknown, errors: FieldErrors): void {
  if (data === undefined || data === null) errors.required('data', 'data is mandatory');
  else if (typeof data !== 'object' || Array.isArray(data)) errors.required('data', 'data must be a valid JSON object');
}

const revision = strategyFor(ControllerRevision, {
  comparesBytes: true,
  validate({ data, revision: number }, errors, old) {
    if ((number ?? 0) < 0) errors.invalid('revision', number, 'must be greater than or equal to 0');
    if (!old) checkData(data, errors);
  },
  validateUpdate(object, old, errors) {
    // As bytes: the same in another order is something else.
    const { data = null } = object;
    if (JSON.stringify(data) !== JSON.stringify(old.data ?? null)) errors.invalid('data', data, 'field is immutable');
  },
});

export const appsStrategies: readonly NamedStrategy[] = [deployment, replicaSet, daemonSet, revision];

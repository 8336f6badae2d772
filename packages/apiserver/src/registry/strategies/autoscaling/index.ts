import {
  compareQuantity,
  HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerSpec,
  type HPAScalingPolicy,
  type HPAScalingRules,
} from '@keelson/core';
import { hollowMember } from '../../../schema/index.ts';
import type { Draft } from '../../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../../strategy.ts';
import { checkNonNegative } from '../checks.ts';
import { checkMetric, checkReference } from './metric-validation.ts';

const defaultScaleUp = [
  { type: 'Pods', value: 4, periodSeconds: 15 },
  { type: 'Percent', value: 100, periodSeconds: 15 },
];
const defaultScaleDown = [{ type: 'Percent', value: 100, periodSeconds: 15 }];

function defaultBehavior(behavior: NonNullable<Draft<HorizontalPodAutoscalerSpec>['behavior']>): void {
  behavior.scaleUp ??= {};
  behavior.scaleUp.stabilizationWindowSeconds ??= 0;
  behavior.scaleUp.selectPolicy ??= 'Max';
  defaultPolicies(behavior.scaleUp, defaultScaleUp);
  behavior.scaleDown ??= {};
  behavior.scaleDown.selectPolicy ??= 'Max';
  defaultPolicies(behavior.scaleDown, defaultScaleDown);
}

/** None are the default, but not those that are given as none. */
function defaultPolicies(rules: Draft<HPAScalingRules>, policies: readonly Draft<HPAScalingPolicy>[]): void {
  if (hollowMember(rules, 'policies') === undefined) rules.policies ??= policies.map((each) => ({ ...each }));
}

function checkRules(rules: HPAScalingRules | undefined, at: string, errors: FieldErrors): void {
  if (!rules) return;
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  if (window !== undefined && window < 0) {
    errors.invalid(`${at}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero');
  }
  if (window !== undefined && window > 3600) {
    errors.invalid(`${at}.stabilizationWindowSeconds`, window, 'must be less than or equal to 3600');
  }
  if (selectPolicy !== undefined && !['Max', 'Min', 'Disabled'].includes(selectPolicy)) {
    errors.notSupported(`${at}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min']);
  }
  if (policies.length === 0) errors.required(`${at}.policies`, 'must specify at least one Policy');
  policies.forEach(({ type, value = 0, periodSeconds = 0 }, index) => {
    const here = `${at}.policies[${index}]`;
    if (type !== 'Pods' && type !== 'Percent') errors.notSupported(`${here}.type`, type ?? '', ['Percent', 'Pods']);
    if (value <= 0) errors.invalid(`${here}.value`, value, 'must be greater than zero');
    if (periodSeconds <= 0) errors.invalid(`${here}.periodSeconds`, periodSeconds, 'must be greater than zero');
    if (periodSeconds > 1800)
      errors.invalid(`${here}.periodSeconds`, periodSeconds, 'must be less than or equal to 1800');
  });
  if (tolerance !== undefined && compareQuantity(tolerance, '0') < 0) {
    errors.invalid(`${at}.tolerance`, tolerance, 'must be greater than or equal to 0');
  }
}

/** `apps/v1` and `v1` name a group version; the core group has no scalable kind but ReplicationControllers. */
function checkTargetVersion(
  target: HorizontalPodAutoscalerSpec['scaleTargetRef'] | undefined,
  errors: FieldErrors,
): void {
  const version = target?.apiVersion ?? '';
  const at = 'spec.scaleTargetRef.apiVersion';
  if (version.split('/').length > 2) {
    errors.invalid(at, version, `unexpected GroupVersion string: ${version}`);
    return;
  }
  const isCore = !version.includes('/') || version.startsWith('/');
  if (isCore && target?.kind !== 'ReplicationController') {
    errors.invalid(at, version, 'apiVersion must specify API group');
  }
}

/** The alpha gate HPAScaleToZero, off as in Kubernetes' defaults. */
const scaleToZero: boolean = false;

const autoscaler = strategyFor(HorizontalPodAutoscaler, {
  defaults({ spec }) {
    spec.minReplicas ??= 1;
    if (!spec.metrics?.length) {
      const target = { type: 'Utilization', averageUtilization: 80 };
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
    }
    if (spec.behavior) defaultBehavior(spec.behavior);
  },
  validate({ spec }, errors) {
    const { minReplicas, maxReplicas = 0, metrics = [], behavior } = spec;
    const toZero = minReplicas === 0 && !metrics.some((each) => each.type === 'Object' || each.type === 'External');
    const least = scaleToZero ? 0 : 1;
    if (minReplicas !== undefined && minReplicas < least) {
      errors.invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${least}`);
    }
    if (maxReplicas < 1) errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0');
    if (minReplicas !== undefined && maxReplicas < minReplicas) {
      errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
    }
    checkReference(spec.scaleTargetRef, 'spec.scaleTargetRef', errors);
    checkTargetVersion(spec.scaleTargetRef, errors);
    metrics.forEach((each, index) => {
      checkMetric(each, `spec.metrics[${index}]`, errors);
    });
    if (toZero) {
      errors.forbidden(
        'spec.metrics',
        'must specify at least one Object or External metric to support scaling to zero replicas',
      );
    }
    checkRules(behavior?.scaleUp, 'spec.behavior.scaleUp', errors);
    checkRules(behavior?.scaleDown, 'spec.behavior.scaleDown', errors);
  },
  validateStatusUpdate({ status }, _old, errors) {
    checkNonNegative('status.currentReplicas', status?.currentReplicas ?? 0, errors);
    checkNonNegative('status.desiredReplicas', status?.desiredReplicas ?? 0, errors);
  },
});

export const autoscalingStrategies: readonly NamedStrategy[] = [autoscaler];

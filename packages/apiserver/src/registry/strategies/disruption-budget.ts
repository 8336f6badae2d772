import { PodDisruptionBudget, validatePathSegment } from '@keelson/core';
import { strategyFor } from '../strategy.ts';
import { checkNonNegative, checkSelector } from './checks.ts';
import { checkConditions } from './conditions.ts';
import { goValue } from './go-value.ts';
import { checkAtMostAll, checkIntOrPercent } from './int-or-percent-checks.ts';

const evictionPolicies = ['AlwaysAllow', 'IfHealthyBudget'];

export const disruptionBudget = strategyFor(PodDisruptionBudget, {
  generation: 'spec',
  unconditionalUpdate: false,
  nameRule: validatePathSegment,
  validate({ spec }, errors) {
    const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy: policy, selector } = spec ?? {};
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      const shown = goValue('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', spec);
      errors.invalid('spec', shown, 'minAvailable and maxUnavailable cannot be both set');
    }
    checkIntOrPercent('spec.minAvailable', minAvailable, errors);
    checkAtMostAll('spec.minAvailable', minAvailable, errors);
    checkIntOrPercent('spec.maxUnavailable', maxUnavailable, errors);
    checkAtMostAll('spec.maxUnavailable', maxUnavailable, errors);
    checkSelector(selector, 'spec.selector', errors);
    if (policy !== undefined && !evictionPolicies.includes(policy)) {
      errors.notSupported('spec.unhealthyPodEvictionPolicy', policy, evictionPolicies);
    }
  },
  validateStatusUpdate({ status }, _old, errors) {
    checkConditions(status?.conditions, 'status.conditions', errors);
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = status ?? {};
    checkNonNegative('status.disruptionsAllowed', disruptionsAllowed, errors);
    checkNonNegative('status.currentHealthy', currentHealthy, errors);
    checkNonNegative('status.desiredHealthy', desiredHealthy, errors);
    checkNonNegative('status.expectedPods', expectedPods, errors);
  },
});

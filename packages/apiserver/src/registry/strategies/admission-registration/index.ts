import type { NamedStrategy } from '../../strategy.ts';
import { policyStrategies } from './policies.ts';
import type { ExpressionCheck } from './rules.ts';
import { webhookStrategies } from './webhooks.ts';

export type { ExpressionCheck } from './rules.ts';

/**
 * `check` compiles expressions of policies, `checkCondition` match conditions of webhooks; without them they are only
 * asked to be there.
 */
export function admissionRegistrationStrategies(
  check: ExpressionCheck = () => undefined,
  checkCondition: ExpressionCheck = check,
): readonly NamedStrategy[] {
  return [...webhookStrategies(checkCondition), ...policyStrategies(check)];
}

import type { NamedStrategy } from '../../strategy.ts';
import { policyStrategies } from './policies.ts';
import type { ExpressionCheck } from './rules.ts';
import { webhookStrategies } from './webhooks.ts';

export type { ExpressionCheck } from './rules.ts';

/** `check` compiles expressions of CEL; without it they are only asked to be there. */
export function admissionRegistrationStrategies(check: ExpressionCheck = () => undefined): readonly NamedStrategy[] {
  return [...webhookStrategies(check), ...policyStrategies(check)];
}

import type { NamedStrategy } from '../../strategy.ts';
import { mutatingPolicyStrategies } from './mutating-policies.ts';
import { policyStrategies } from './policies.ts';
import { webhookStrategies } from './webhooks.ts';

export type { ExpressionCheck } from './rules.ts';

export const admissionRegistrationStrategies: readonly NamedStrategy[] = [
  ...webhookStrategies,
  ...policyStrategies,
  ...mutatingPolicyStrategies,
];

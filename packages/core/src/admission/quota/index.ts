export { type Charge, type Charged, charge, inAllScopes, usageOf } from './charge.ts';
export { type QuotaEvaluator, scopesOf } from './contract.ts';
export { countName } from './count-evaluator.ts';
export { countedKind, evaluatorFor, specialEvaluators } from './evaluators.ts';
export { takesResources } from './pod-evaluator.ts';

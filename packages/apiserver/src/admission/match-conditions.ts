import { boolType } from '../cel/index.ts';
import type { Authorizer } from '../registry/contract.ts';
import { requestActivation } from './admission-expressions.ts';
import { conditionsHold } from './policy/evaluate-policy.ts';
import { type ExpressionProblem, expressionProblem, PolicyExpressions } from './policy/policy-expressions.ts';
import type { MatchConditionsCompiler } from './webhook/contract.ts';

/** Conditions of webhooks are those of policies without parameters. */
const { condition } = new PolicyExpressions(undefined, false);

/** Why a condition cannot be used; undefined where it can. */
export const matchConditionProblem = (expression: string): ExpressionProblem | undefined =>
  expressionProblem(condition(expression), [boolType]);

/** Compiles match conditions to CEL, with the variables that those of webhooks and policies have. */
export function matchConditionsCompiler(authorizer: Authorizer): MatchConditionsCompiler {
  return (conditions) => {
    const compiled = conditions.map(({ expression }) => condition(expression));
    return {
      match: (attributes, form, shown) =>
        conditionsHold(compiled, requestActivation({ attributes, form, shown, authorizer }), attributes.signal),
    };
  };
}

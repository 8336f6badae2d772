import type { MatchCondition } from '@keelson/core';
import { boolType, type CelCompilation } from '../cel/index.ts';
import type { Authorizer } from '../registry/contract.ts';
import { admissionActivation, matchConditionEnvironment } from './admission-expressions.ts';
import { type ExpressionProblem, expressionProblem } from './policy/policy-expressions.ts';
import type { MatchConditions, MatchConditionsCompiler, MatchOutcome } from './webhook/contract.ts';

/** What one expression, and all of one webhook or policy together, may cost, as by Kubernetes. */
const costLimit = 1_000_000;
const costOfAll = 2_500_000;

/** Why a condition cannot be used; undefined where it can. */
export function matchConditionProblem(expression: string): ExpressionProblem | undefined {
  const compiled = matchConditionEnvironment.compile(expression, { wantedType: boolType });
  return expressionProblem({ compiled }, [boolType]);
}

/** Compiles match conditions to CEL, with the variables that those of webhooks and policies have. */
export function matchConditionsCompiler(authorizer: Authorizer): MatchConditionsCompiler {
  return (conditions) => new CompiledConditions(conditions, authorizer);
}

class CompiledConditions implements MatchConditions {
  readonly #conditions: readonly { readonly expression: string; readonly compiled: CelCompilation }[];
  readonly #authorizer: Authorizer;

  constructor(conditions: readonly MatchCondition[], authorizer: Authorizer) {
    this.#conditions = conditions.map(({ expression }) => ({
      expression,
      compiled: matchConditionEnvironment.compile(expression, { wantedType: boolType }),
    }));
    this.#authorizer = authorizer;
  }

  match: MatchConditions['match'] = async (attributes, form, shown): Promise<MatchOutcome> => {
    const activation = admissionActivation({ attributes, form, shown, authorizer: this.#authorizer });
    const errors: string[] = [];
    let spent = 0;
    for (const { expression, compiled } of this.#conditions) {
      const failed = (why: string) => errors.push(`expression '${expression}' resulted in error: ${why}`);
      if (compiled.failure !== undefined) {
        failed(compiled.message);
        continue;
      }
      const { signal } = attributes;
      const result = await compiled.program.evaluateAsync(activation, { costLimit, ...(signal && { signal }) });
      spent += result.cost;
      if (spent > costOfAll) {
        return {
          error: 'validation failed due to running out of cost budget, no further validation rules will be run',
        };
      }
      if (result.error !== undefined) failed(result.error);
      else if (result.value === false) return 'excluded';
    }
    if (errors.length === 0) return 'matched';
    const unique = [...new Set(errors)];
    return { error: unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]` };
  };
}

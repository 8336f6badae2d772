import type { Variable } from '@keelson/core';
import {
  type ExpressionProblem,
  expressionProblem,
  type PolicyExpression,
  PolicyExpressions,
  wanted,
} from '../../../admission/policy/policy-expressions.ts';
import type { CelType } from '../../../cel/index.ts';
import type { FieldErrors } from '../../strategy.ts';
import type { ExpressionCheck } from './rules.ts';

/**
 * Checks of one policy's expressions by compiling them. What an update leaves as it was is compiled like all else, as by
 * Kubernetes: parameters or variables that it names may have gone.
 */
export class ExpressionChecks {
  readonly #expressions: PolicyExpressions;
  readonly #variables: ReadonlyMap<Variable, PolicyExpression>;

  constructor(variables: readonly Variable[] | undefined, withParams: boolean) {
    const written = (variables ?? []).filter(({ expression }) => isWritten(expression));
    this.#expressions = new PolicyExpressions(written, withParams);
    this.#variables = new Map(written.flatMap((each, index) => pair(each, this.#expressions.variables[index])));
  }

  variable(variable: Variable, at: string, errors: FieldErrors): void {
    const compiled = this.#variables.get(variable);
    if (compiled) say(compiled, [], at, errors);
  }

  readonly condition: ExpressionCheck = (text, at, errors) =>
    say(this.#expressions.condition(text), wanted.condition, at, errors);
  readonly validation: ExpressionCheck = (text, at, errors) =>
    say(this.#expressions.validation(text), wanted.validation, at, errors);
  readonly message: ExpressionCheck = (text, at, errors) =>
    say(this.#expressions.message(text), wanted.message, at, errors);
  readonly annotation: ExpressionCheck = (text, at, errors) =>
    say(this.#expressions.annotation(text), wanted.annotation, at, errors);
  readonly applyConfiguration: ExpressionCheck = (text, at, errors) =>
    say(this.#expressions.applyConfiguration(text), wanted.applyConfiguration, at, errors);
  readonly jsonPatch: ExpressionCheck = (text, at, errors) =>
    say(this.#expressions.jsonPatch(text), wanted.jsonPatch, at, errors);
}

const isWritten = (text: string | undefined) => (text ?? '').trim() !== '';

const pair = <A, B>(a: A, b: B | undefined): readonly (readonly [A, B])[] => (b === undefined ? [] : [[a, b]]);

function say(expression: PolicyExpression, types: readonly CelType[], at: string, errors: FieldErrors): void {
  const problem = expressionProblem(expression, types);
  if (problem) addProblem(problem, expression.text, at, errors);
}

export function addProblem({ internal, why }: ExpressionProblem, text: string, at: string, errors: FieldErrors): void {
  if (internal) errors.internal(at, why);
  else errors.invalid(at, text, why);
}

import type { JSONSchemaProps } from '@keelson/core';
import { greatestCount } from '../cel/index.ts';
import { FieldErrors } from '../registry/strategy.ts';
import { compileRules, type ValidationRule } from './rule-compilation.ts';

const expressionLimit = 10_000_000;
const schemaLimit = 100_000_000;
const mostShown = 4;
const greatest = 2 ** 64;

/** Where a rule stands. */
export interface RulePlace {
  readonly root: boolean;
  /** How many values of the place there can be in one object; undefined where nothing bounds it. */
  readonly count: number | undefined;
  /** The place of a list whose elements cannot be told apart, if the rule is below one. */
  readonly uncorrelated: string | undefined;
}

export const rootPlace: RulePlace = { root: true, count: 1, uncorrelated: undefined };

const times = (count: number | undefined, most: number | undefined) =>
  count === undefined || most === undefined ? undefined : Math.min(count * most, greatest);

export const inProperty = (place: RulePlace): RulePlace => (place.root ? { ...place, root: false } : place);

export const inValues = (place: RulePlace, { maxProperties }: JSONSchemaProps): RulePlace => ({
  ...place,
  root: false,
  count: times(place.count, maxProperties),
});

export const inItems = (place: RulePlace, schema: JSONSchemaProps, at: string): RulePlace => ({
  root: false,
  count: times(place.count, schema.maxItems),
  uncorrelated: place.uncorrelated ?? (schema['x-kubernetes-list-type'] === 'map' ? undefined : at),
});

function overBudget(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100' : factor < 1.5 ? factor.toFixed(6) : factor.toFixed(1);
  return `${what} exceeds budget by factor of ${shown}x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** As Kubernetes holds it. */
const ruleShown = ({ rule, message, messageExpression, reason, fieldPath, optionalOldSelf }: ValidationRule) => ({
  Rule: rule ?? '',
  Message: message ?? '',
  MessageExpression: messageExpression ?? '',
  Reason: reason ?? null,
  FieldPath: fieldPath ?? '',
  OptionalOldSelf: optionalOldSelf ?? null,
});

/** The expressions of one schema: whether each can be compiled, and what all of them may cost. */
export class RuleBudget {
  readonly errors = new FieldErrors();
  readonly #most: { readonly at: string; readonly cost: number }[] = [];
  #total = 0;

  /** Looks at the rules of one place of a structural schema. */
  check(schema: JSONSchemaProps, at: string, place: RulePlace): void {
    const { errors } = this;
    const given = schema['x-kubernetes-validations'];
    if (!given?.length) return;
    const compiled = compileRules(schema, place.root);
    if (!compiled) {
      const why =
        'failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations';
      const field = `${at}.x-kubernetes-validations`;
      errors.internal(field, `internal error: ${why}`);
      return;
    }
    const count = place.count ?? greatestCount(compiled.declaration);
    compiled.rules.forEach(({ rule, expression, failure, usesOldSelf, message, messageFailure }, index) => {
      const here = `${at}.x-kubernetes-validations[${index}]`;
      const cost = Math.min((expression?.cost.max ?? 0) * count, greatest);
      if (cost > expressionLimit) {
        errors.forbidden(`${here}.rule`, overBudget('estimated rule cost', cost, expressionLimit));
      }
      this.#add(`${here}.rule`, cost);
      if (failure !== undefined) errors.invalid(`${here}.rule`, ruleShown(rule), failure);
      if (messageFailure !== undefined) {
        errors.invalid(`${here}.messageExpression`, ruleShown(rule), messageFailure);
      } else if (message) {
        const { max } = message.cost;
        if (max > expressionLimit) {
          errors.forbidden(
            `${here}.messageExpression`,
            overBudget('estimated messageExpression cost', max, expressionLimit),
          );
        }
        this.#add(`${here}.messageExpression`, max);
      }
      if (usesOldSelf) {
        if (place.uncorrelated !== undefined) {
          const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelated}`;
          errors.invalid(`${here}.rule`, rule.rule, why);
        }
      } else if (rule.optionalOldSelf !== undefined) {
        const why = 'may not be set if oldSelf is not used in rule';
        errors.invalid(`${here}.optionalOldSelf`, rule.optionalOldSelf, why);
      }
    });
  }

  #add(at: string, cost: number): void {
    this.#total = Math.min(this.#total + cost, greatest);
    // What is less than a hundredth of the limit is not to blame.
    if (cost < schemaLimit / 100) return;
    this.#most.push({ at, cost });
    this.#most.sort((a, b) => b.cost - a.cost);
    if (this.#most.length > mostShown) this.#most.pop();
  }

  /** What all of them together are too much. */
  checkTotal(at: string, errors: FieldErrors): void {
    if (this.#total <= schemaLimit) return;
    const why = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
    for (const each of this.#most) errors.forbidden(each.at, why);
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    errors.forbidden(at, overBudget(what, this.#total, schemaLimit));
  }
}

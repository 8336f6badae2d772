import type { JSONSchemaProps } from '@keelson/core';
import { FieldErrors } from '../registry/strategy.ts';
import { RuleBudget } from './rule-budget.ts';
import { checkDefaults } from './schema-defaults.ts';
import { checkSchema } from './schema-rules.ts';
import { asGiven, notForStatus, schemaShown } from './schema-shown.ts';
import { checkStructure, structuralProblem } from './structural-schema.ts';

/**
 * Everything that is wrong with a version's schema, in the order in which Kubernetes tells it.
 * `statusApart`: whether the status is a subresource.
 */
export function checkVersionSchema(
  decoded: JSONSchemaProps,
  at: string,
  statusApart: boolean,
  errors: FieldErrors,
): void {
  const schema = asGiven(decoded);
  const first = errors.list.length;
  const refused = statusApart ? notForStatus(schemaShown(schema)) : undefined;
  if (refused) errors.invalid(at + refused.part, refused.part ? schema.type : schemaShown(schema), refused.why);
  if (schema.nullable) errors.forbidden(`${at}.nullable`, 'nullable cannot be true at the root');
  const general = new FieldErrors();
  const problem = structuralProblem(schema);
  const before = errors.list.length;
  if (problem === undefined) {
    checkStructure(schema, at, errors);
    if (errors.list.length === before) checkDefaults(schema, at, errors);
  }
  const budget = problem === undefined && errors.list.length === before ? new RuleBudget() : undefined;
  checkSchema(schema, at, problem === undefined, general, budget);
  // It is told only where nothing else is.
  if (problem !== undefined && general.list.length + errors.list.length === first) errors.invalid(at, '', problem);
  errors.list.push(...general.list, ...(budget?.errors.list ?? []));
  budget?.checkTotal(at, errors);
}

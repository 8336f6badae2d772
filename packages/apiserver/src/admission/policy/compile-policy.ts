import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '@keelson/core';
import type { PolicyBinding, ValidatingPolicy } from './contract.ts';
import { PolicyExpressions } from './policy-expressions.ts';
import { matcherOf } from './policy-match.ts';

/** Compiles what has passed validation; what cannot be compiled all the same fails when it is asked. */
export function compileValidatingPolicy({ metadata, spec }: ValidatingAdmissionPolicy): ValidatingPolicy {
  const { paramKind, matchConditions = [], validations = [], auditAnnotations = [] } = spec ?? {};
  const expressions = new PolicyExpressions(spec?.variables, paramKind !== undefined);
  return {
    ...matcherOf(spec?.matchConstraints),
    name: metadata.name ?? '',
    paramKind,
    failsOpen: spec?.failurePolicy === 'Ignore',
    conditions: matchConditions.map(({ expression }) => expressions.condition(expression)),
    variables: expressions.variables,
    validations: validations.map(({ expression, message, messageExpression, reason }) => ({
      ...expressions.validation(expression),
      message,
      messageExpression: messageExpression ? expressions.message(messageExpression) : undefined,
      reason,
    })),
    annotations: auditAnnotations.map(({ key, valueExpression }) => ({
      ...expressions.annotation(valueExpression),
      key,
    })),
  };
}

export function compileBinding({ metadata, spec }: ValidatingAdmissionPolicyBinding): PolicyBinding {
  return {
    ...matcherOf(spec?.matchResources),
    name: metadata.name ?? '',
    paramRef: spec?.paramRef,
    actions: spec?.validationActions ?? [],
  };
}

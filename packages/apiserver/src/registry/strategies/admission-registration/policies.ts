import { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, validateQualifiedName } from '@keelson/core';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../../strategy.ts';
import { checkConditions } from '../conditions.ts';
import { resetMetadata } from '../reset-metadata.ts';
import { ExpressionChecks } from './expression-checks.ts';
import {
  bindingBasics,
  checkConstraints,
  checkFailurePolicy,
  checkMatch,
  checkParamKind,
  checkParamRef,
  checkPolicyName,
  checkVariables,
  policyBasics,
} from './policy-parts.ts';
import { checkMatchConditions, type ExpressionCheck } from './rules.ts';

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];

function checkPolicy({ spec, metadata }: ValidatingAdmissionPolicy, errors: FieldErrors): void {
  const {
    failurePolicy,
    paramKind,
    matchConstraints,
    validations = [],
    auditAnnotations = [],
    matchConditions,
    variables,
  } = spec ?? {};
  const checks = new ExpressionChecks(variables, paramKind !== undefined);
  checkFailurePolicy(failurePolicy, errors);
  if (paramKind) checkParamKind(paramKind, 'spec.paramKind', errors);
  checkConstraints(matchConstraints, errors);
  checkMatchConditions(matchConditions, 'spec.matchConditions', errors, checks.condition);
  checkVariables(variables, 'spec.variables', errors, checks);
  if (validations.length === 0 && auditAnnotations.length === 0) {
    errors.required('spec.validations', 'validations or auditAnnotations must contain at least one item');
    errors.required('spec.auditAnnotations', 'validations or auditAnnotations must contain at least one item');
    return;
  }
  validations.forEach((validation, index) => {
    checkValidation(validation, `spec.validations[${index}]`, errors, checks);
  });
  if (auditAnnotations.length > 20) {
    errors.invalid('spec.auditAnnotations', auditAnnotations.length, 'must not have more than 20 auditAnnotations');
  }
  checkAnnotations(metadata.name ?? '', auditAnnotations, errors, checks.annotation);
}

type Validation = NonNullable<NonNullable<ValidatingAdmissionPolicy['spec']>['validations']>[number];

function checkValidation(validation: Validation, at: string, errors: FieldErrors, checks: ExpressionChecks): void {
  const { expression = '', message, messageExpression, reason } = validation;
  if (expression.trim() === '') errors.required(`${at}.expression`, 'expression is not specified');
  else checks.validation(expression, `${at}.expression`, errors);
  if (messageExpression !== undefined && messageExpression !== '' && messageExpression.trim() === '') {
    errors.invalid(`${at}.messageExpression`, messageExpression, 'must be non-empty if specified');
  } else if (messageExpression?.trim()) checks.message(messageExpression, `${at}.messageExpression`, errors);
  if (message !== undefined && message !== '' && message.trim() === '') {
    errors.invalid(`${at}.message`, message, 'must be non-empty if specified');
  } else if (message?.includes('\n')) errors.invalid(`${at}.message`, message, 'must not contain line breaks');
  else if (expression.includes('\n') && !message) {
    errors.required(`${at}.message`, 'message must be specified if expression contains line breaks');
  }
  if (reason !== undefined && !reasons.includes(reason)) errors.notSupported(`${at}.reason`, reason, reasons);
}

function checkAnnotations(
  policy: string,
  annotations: readonly { readonly key?: string; readonly valueExpression?: string }[],
  errors: FieldErrors,
  check: ExpressionCheck,
): void {
  const seen = new Set<string>();
  annotations.forEach(({ key = '', valueExpression: value = '' }, index) => {
    const at = `spec.auditAnnotations[${index}]`;
    if (policy === '') errors.invalid(`${at}.key`, key, 'requires metadata.name be non-empty');
    else errors.rule(`${at}.key`, `${policy}/${key}`, validateQualifiedName(`${policy}/${key}`));
    if (value.trim() === '') errors.required(`${at}.valueExpression`, 'valueExpression is not specified');
    else if (value.trim().length > 5 * 1024) {
      errors.required(`${at}.valueExpression`, `must not exceed 5120 bytes in length`);
    } else check(value, `${at}.valueExpression`, errors);
    if (seen.has(key)) errors.duplicate(`${at}.key`, key);
    seen.add(key);
  });
}

const actions = ['Audit', 'Deny', 'Warn'];

function checkBinding({ spec }: ValidatingAdmissionPolicyBinding, errors: FieldErrors): void {
  const { policyName = '', paramRef, matchResources, validationActions = [] } = spec ?? {};
  checkPolicyName(policyName, errors);
  if (paramRef) checkParamRef(paramRef, 'spec.paramRef', errors);
  if (matchResources) checkMatch(matchResources, 'spec.matchResources', errors);
  const at = 'spec.validationActions';
  if (validationActions.length === 0) errors.required(at, 'at least one validation action is required');
  const seen = new Set<string>();
  validationActions.forEach((each, index) => {
    if (!actions.includes(each)) errors.notSupported(`${at}[${index}]`, each, actions);
    if (seen.has(each)) errors.duplicate(`${at}[${index}]`, each);
    seen.add(each);
  });
  if (seen.has('Deny') && seen.has('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.invalid(at, validationActions, why);
  }
}

export const policyStrategies: readonly NamedStrategy[] = [
  strategyFor(ValidatingAdmissionPolicy, {
    ...policyBasics,
    prepareStatusUpdate: (object, old) => resetMetadata(object, old),
    validate: (object, errors) => checkPolicy(object, errors),
    validateStatusUpdate({ status }, _old, errors) {
      (status?.typeChecking?.expressionWarnings ?? []).forEach(({ warning = '', fieldRef = '' }, index) => {
        const at = `status.typeChecking.expressionWarnings[${index}]`;
        if (warning === '') errors.required(`${at}.warning`);
        if (fieldRef === '') errors.required(`${at}.fieldRef`);
      });
      checkConditions(status?.conditions, 'status.conditions', errors);
    },
  }),
  strategyFor(ValidatingAdmissionPolicyBinding, {
    ...bindingBasics,
    validate: (object, errors) => checkBinding(object, errors),
  }),
];

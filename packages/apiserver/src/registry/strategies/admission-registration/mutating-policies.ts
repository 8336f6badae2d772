import {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  type Mutation,
} from '../../../admission/policy/mutating-kinds.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../../strategy.ts';
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

function checkMutatingPolicy({ spec }: MutatingAdmissionPolicy, errors: FieldErrors): void {
  const {
    failurePolicy,
    paramKind,
    matchConstraints,
    mutations = [],
    matchConditions,
    variables,
    reinvocationPolicy,
  } = spec ?? {};
  const checks = new ExpressionChecks(variables, paramKind !== undefined);
  checkFailurePolicy(failurePolicy, errors);
  if (paramKind) checkParamKind(paramKind, 'spec.paramKind', errors);
  checkConstraints(matchConstraints, errors, true);
  checkMatchConditions(matchConditions, 'spec.matchConditions', errors, checks.condition);
  checkVariables(variables, 'spec.variables', errors, checks);
  if (mutations.length === 0) errors.required('spec.mutations', 'mutations must contain at least one item');
  mutations.forEach((mutation, index) => {
    checkMutation(mutation, `spec.mutations[${index}]`, errors, checks);
  });
  if (!reinvocationPolicy) errors.required('spec.reinvocationPolicy');
  else if (!['IfNeeded', 'Never'].includes(reinvocationPolicy)) {
    errors.notSupported('spec.reinvocationPolicy', reinvocationPolicy, ['IfNeeded', 'Never']);
  }
}

function checkMutation(mutation: Mutation, at: string, errors: FieldErrors, checks: ExpressionChecks): void {
  const { patchType, applyConfiguration, jsonPatch } = mutation;
  const checkExpression = (expression: string | undefined, here: string, check: ExpressionCheck) => {
    if (!expression?.trim()) errors.required(`${here}.expression`);
    else check(expression, `${here}.expression`, errors);
  };
  switch (patchType) {
    case 'ApplyConfiguration':
      if (!applyConfiguration)
        errors.required(`${at}.applyConfiguration`, 'must be specified when patchType is ApplyConfiguration');
      else checkExpression(applyConfiguration.expression, `${at}.applyConfiguration`, checks.applyConfiguration);
      if (jsonPatch) {
        const why = 'must not be specified when patchType is ApplyConfiguration';
        errors.invalid(`${at}.jsonPatch`, '{jsonPatch}', why);
      }
      return;
    case 'JSONPatch':
      if (!jsonPatch) errors.required(`${at}.jsonPatch`, 'must be specified when patchType is JSONPatch');
      else checkExpression(jsonPatch.expression, `${at}.jsonPatch`, checks.jsonPatch);
      if (applyConfiguration) {
        const why = 'must not be specified when patchType is JSONPatch';
        errors.invalid(`${at}.applyConfiguration`, '{applyConfiguration}', why);
      }
      return;
    case undefined:
    case '':
      errors.required(`${at}.patchType`);
      return;
    default:
      errors.notSupported(`${at}.patchType`, patchType, ['ApplyConfiguration', 'JSONPatch']);
  }
}

export const mutatingPolicyStrategies: readonly NamedStrategy[] = [
  strategyFor(MutatingAdmissionPolicy, {
    ...policyBasics,
    validate: (object, errors) => checkMutatingPolicy(object, errors),
  }),
  strategyFor(MutatingAdmissionPolicyBinding, {
    ...bindingBasics,
    validate({ spec }, errors) {
      checkPolicyName(spec?.policyName ?? '', errors);
      if (spec?.paramRef) checkParamRef(spec.paramRef, 'spec.paramRef', errors);
      if (spec?.matchResources) checkMatch(spec.matchResources, 'spec.matchResources', errors, true);
    },
  }),
];

import {
  type KubernetesObject,
  type MatchResources,
  type ParamKind,
  type ParamRef,
  type ResourceType,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  type Variable,
  validateDns1035Label,
  validateDnsSubdomain,
  validatePathSegment,
  validateQualifiedName,
} from '@keelson/core';
import type { Draft } from '../../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../../strategy.ts';
import { checkConditions } from '../conditions.ts';
import { resetMetadata } from '../reset-metadata.ts';
import { checkMatchConditions, checkRule, checkSelectorAt, type ExpressionCheck } from './rules.ts';

interface Mutation {
  readonly patchType?: string;
  readonly applyConfiguration?: { readonly expression?: string };
  readonly jsonPatch?: { readonly expression?: string };
}

interface MutatingPolicy extends KubernetesObject {
  readonly spec?: {
    readonly paramKind?: ParamKind;
    readonly matchConstraints?: MatchResources;
    readonly variables?: readonly Variable[];
    readonly mutations?: readonly Mutation[];
    readonly failurePolicy?: string;
    readonly matchConditions?: readonly { readonly name?: string; readonly expression?: string }[];
    readonly reinvocationPolicy?: string;
  };
}

interface MutatingPolicyBinding extends KubernetesObject {
  readonly spec?: {
    readonly policyName?: string;
    readonly paramRef?: ParamRef;
    readonly matchResources?: MatchResources;
  };
}

const group = 'admissionregistration.k8s.io';
const mutatingPolicy: ResourceType<MutatingPolicy> = {
  group,
  version: 'v1beta1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  namespaced: false,
};
const mutatingPolicyBinding: ResourceType<MutatingPolicyBinding> = {
  ...mutatingPolicy,
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
} as ResourceType<MutatingPolicyBinding>;

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];

function defaultMatch(match: Draft<MatchResources> | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

function checkMatch(match: MatchResources, at: string, errors: FieldErrors, mutates = false): void {
  if (match.matchPolicy === undefined) errors.required(`${at}.matchPolicy`);
  else if (!['Equivalent', 'Exact'].includes(match.matchPolicy)) {
    errors.notSupported(`${at}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']);
  }
  if (match.namespaceSelector) checkSelectorAt(match.namespaceSelector, `${at}.namespaceSelector`, errors);
  else errors.required(`${at}.namespaceSelector`);
  if (match.objectSelector) checkSelectorAt(match.objectSelector, `${at}.objectSelector`, errors);
  else errors.required(`${at}.objectSelector`);
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    (match[field] ?? []).forEach((rule, index) => {
      const here = `${at}.${field}[${index}]`;
      checkNames(rule.resourceNames ?? [], `${here}.resourceNames`, errors);
      checkRule(rule, here, errors);
    });
  }
  if (!mutates) return;
  for (const { operations = [] } of match.resourceRules ?? [])
    checkMutable(operations ?? [], `${at}.resourceRules.operations`, errors);
}

/** What is deleted cannot be changed any more. */
function checkMutable(operations: readonly string[], at: string, errors: FieldErrors): void {
  for (const each of operations) {
    if (!mutableOperations.includes(each)) errors.notSupported(at, each, mutableOperations);
  }
}

const mutableOperations = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

function checkNames(names: readonly string[], at: string, errors: FieldErrors): void {
  const seen = new Set<string>();
  names.forEach((name, index) => {
    errors.rule(`${at}[${index}]`, name, validatePathSegment(name));
    if (seen.has(name)) errors.duplicate(`${at}[${index}]`, name);
    else seen.add(name);
  });
}

function checkParamKind({ apiVersion = '', kind = '' }: ParamKind, at: string, errors: FieldErrors): void {
  if (apiVersion === '') errors.required(`${at}.apiVersion`);
  else {
    const parts = apiVersion.split('/');
    if (parts.length > 2) {
      errors.invalid(`${at}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
    } else {
      const [owner, version] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : ['', parts[0] ?? ''];
      if (owner !== '') {
        const wrong = validateDnsSubdomain(owner);
        if (wrong.length > 0) errors.invalid(`${at}.apiVersion`, owner, wrong.join(','));
      }
      const wrong = validateDns1035Label(version);
      if (wrong.length > 0) errors.invalid(`${at}.apiVersion`, version, wrong.join(','));
    }
  }
  if (kind === '') {
    errors.required(`${at}.kind`);
    return;
  }
  const wrong = validateDns1035Label(kind.toLowerCase());
  if (wrong.length > 0) {
    errors.invalid(`${at}.kind`, kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`);
  }
}

function checkVariables(
  variables: readonly Variable[] | undefined,
  at: string,
  errors: FieldErrors,
  check: ExpressionCheck,
): void {
  (variables ?? []).forEach(({ name = '', expression = '' }, index) => {
    const here = `${at}[${index}]`;
    if (name.trim() === '') errors.required(`${here}.name`, 'name is not specified');
    else if (!identifier.test(name) || reserved.has(name)) {
      errors.invalid(`${here}.name`, name, 'must be a valid CEL identifier');
    }
    if (expression.trim() === '') errors.required(`${here}.expression`, 'expression is not specified');
    else check(expression, `${here}.expression`, errors);
  });
}

function checkFailurePolicy(policy: string | undefined, errors: FieldErrors): void {
  if (policy === undefined) errors.required('spec.failurePolicy');
  else if (!['Fail', 'Ignore'].includes(policy)) errors.notSupported('spec.failurePolicy', policy, ['Fail', 'Ignore']);
}

function checkConstraints(match: MatchResources | undefined, errors: FieldErrors, mutates = false): void {
  const at = 'spec.matchConstraints';
  if (!match) {
    errors.required(at);
    return;
  }
  checkMatch(match, at, errors, mutates);
  if (!match.resourceRules?.length) errors.required(`${at}.resourceRules`);
}

function checkPolicy({ spec, metadata }: ValidatingAdmissionPolicy, errors: FieldErrors, check: ExpressionCheck): void {
  const {
    failurePolicy,
    paramKind,
    matchConstraints,
    validations = [],
    auditAnnotations = [],
    matchConditions,
    variables,
  } = spec ?? {};
  checkFailurePolicy(failurePolicy, errors);
  if (paramKind) checkParamKind(paramKind, 'spec.paramKind', errors);
  checkConstraints(matchConstraints, errors);
  checkMatchConditions(matchConditions, 'spec.matchConditions', errors, check);
  checkVariables(variables, 'spec.variables', errors, check);
  if (validations.length === 0 && auditAnnotations.length === 0) {
    errors.required('spec.validations', 'validations or auditAnnotations must contain at least one item');
    errors.required('spec.auditAnnotations', 'validations or auditAnnotations must contain at least one item');
    return;
  }
  validations.forEach((validation, index) => {
    checkValidation(validation, `spec.validations[${index}]`, errors, check);
  });
  if (auditAnnotations.length > 20) {
    errors.invalid('spec.auditAnnotations', auditAnnotations.length, 'must not have more than 20 auditAnnotations');
  }
  checkAnnotations(metadata.name ?? '', auditAnnotations, errors, check);
}

type Validation = NonNullable<NonNullable<ValidatingAdmissionPolicy['spec']>['validations']>[number];

function checkValidation(validation: Validation, at: string, errors: FieldErrors, check: ExpressionCheck): void {
  const { expression = '', message, messageExpression, reason } = validation;
  if (expression.trim() === '') errors.required(`${at}.expression`, 'expression is not specified');
  else check(expression, `${at}.expression`, errors);
  if (messageExpression !== undefined && messageExpression !== '' && messageExpression.trim() === '') {
    errors.invalid(`${at}.messageExpression`, messageExpression, 'must be non-empty if specified');
  } else if (messageExpression?.trim()) check(messageExpression, `${at}.messageExpression`, errors);
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

function checkParamRef(reference: ParamRef, at: string, errors: FieldErrors): void {
  const { name = '', selector, parameterNotFoundAction: action } = reference;
  if (name !== '') {
    errors.rule(`${at}.name`, name, validatePathSegment(name));
    if (selector) {
      errors.forbidden(`${at}.name`, 'name and selector are mutually exclusive');
      errors.forbidden(`${at}.selector`, 'name and selector are mutually exclusive');
    }
  } else if (selector) checkSelectorAt(selector, `${at}.selector`, errors);
  else {
    errors.required(at, 'one of name or selector must be specified');
  }
  if (!action) errors.required(`${at}.parameterNotFoundAction`);
  else if (!['Allow', 'Deny'].includes(action)) {
    errors.notSupported(`${at}.parameterNotFoundAction`, action, ['Deny', 'Allow']);
  }
}

function checkPolicyName(name: string, errors: FieldErrors): void {
  if (name === '') errors.required('spec.policyName');
  else errors.rule('spec.policyName', name, validateDnsSubdomain(name));
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

function checkMutatingPolicy({ spec }: MutatingPolicy, errors: FieldErrors, check: ExpressionCheck): void {
  const {
    failurePolicy,
    paramKind,
    matchConstraints,
    mutations = [],
    matchConditions,
    variables,
    reinvocationPolicy,
  } = spec ?? {};
  checkFailurePolicy(failurePolicy, errors);
  if (paramKind) checkParamKind(paramKind, 'spec.paramKind', errors);
  checkConstraints(matchConstraints, errors, true);
  checkMatchConditions(matchConditions, 'spec.matchConditions', errors, check);
  checkVariables(variables, 'spec.variables', errors, check);
  if (mutations.length === 0) errors.required('spec.mutations', 'mutations must contain at least one item');
  mutations.forEach((mutation, index) => {
    checkMutation(mutation, `spec.mutations[${index}]`, errors, check);
  });
  if (!reinvocationPolicy) errors.required('spec.reinvocationPolicy');
  else if (!['IfNeeded', 'Never'].includes(reinvocationPolicy)) {
    errors.notSupported('spec.reinvocationPolicy', reinvocationPolicy, ['IfNeeded', 'Never']);
  }
}

function checkMutation(mutation: Mutation, at: string, errors: FieldErrors, check: ExpressionCheck): void {
  const { patchType, applyConfiguration, jsonPatch } = mutation;
  const checkExpression = (expression: string | undefined, here: string) => {
    if (!expression?.trim()) errors.required(`${here}.expression`);
    else check(expression, `${here}.expression`, errors);
  };
  switch (patchType) {
    case 'ApplyConfiguration':
      if (!applyConfiguration)
        errors.required(`${at}.applyConfiguration`, 'must be specified when patchType is ApplyConfiguration');
      else checkExpression(applyConfiguration.expression, `${at}.applyConfiguration`);
      if (jsonPatch) {
        const why = 'must not be specified when patchType is ApplyConfiguration';
        errors.invalid(`${at}.jsonPatch`, '{jsonPatch}', why);
      }
      return;
    case 'JSONPatch':
      if (!jsonPatch) errors.required(`${at}.jsonPatch`, 'must be specified when patchType is JSONPatch');
      else checkExpression(jsonPatch.expression, `${at}.jsonPatch`);
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

export function policyStrategies(check: ExpressionCheck): readonly NamedStrategy[] {
  return [
    strategyFor(ValidatingAdmissionPolicy, {
      generation: 'spec',
      unconditionalUpdate: false,
      defaults({ spec }) {
        if (!spec) return;
        spec.failurePolicy ??= 'Fail';
        defaultMatch(spec.matchConstraints);
      },
      prepareStatusUpdate: (object, old) => resetMetadata(object, old),
      validate: (object, errors) => checkPolicy(object, errors, check),
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
      generation: 'spec',
      unconditionalUpdate: false,
      defaults({ spec }) {
        defaultMatch(spec?.matchResources);
      },
      validate: (object, errors) => checkBinding(object, errors),
    }),
    strategyFor(mutatingPolicy, {
      generation: 'spec',
      unconditionalUpdate: false,
      defaults({ spec }) {
        if (!spec) return;
        spec.failurePolicy ??= 'Fail';
        defaultMatch(spec.matchConstraints);
      },
      validate: (object, errors) => checkMutatingPolicy(object, errors, check),
    }),
    strategyFor(mutatingPolicyBinding, {
      generation: 'spec',
      unconditionalUpdate: false,
      defaults({ spec }) {
        defaultMatch(spec?.matchResources);
      },
      validate({ spec }, errors) {
        checkPolicyName(spec?.policyName ?? '', errors);
        if (spec?.paramRef) checkParamRef(spec.paramRef, 'spec.paramRef', errors);
        if (spec?.matchResources) checkMatch(spec.matchResources, 'spec.matchResources', errors, true);
      },
    }),
  ];
}

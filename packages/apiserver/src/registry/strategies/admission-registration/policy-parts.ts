import {
  type MatchResources,
  type ParamKind,
  type ParamRef,
  type Variable,
  validateDns1035Label,
  validateDnsSubdomain,
  validatePathSegment,
} from '@keelson/core';
import type { Draft } from '../../draft.ts';
import type { FieldErrors } from '../../strategy.ts';
import type { ExpressionChecks } from './expression-checks.ts';
import { checkRule, checkSelectorAt } from './rules.ts';

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

function defaultMatch(match: Draft<MatchResources> | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

/** What policies of both types have in common. */
interface Policy {
  spec?: { failurePolicy?: string; matchConstraints?: Draft<MatchResources> };
}

interface Binding {
  spec?: { matchResources?: Draft<MatchResources> };
}

/** How policies are decoded, whatever they do: the spec alone makes a generation, and none is written over unseen. */
export const policyBasics = {
  generation: 'spec',
  unconditionalUpdate: false,
  defaults({ spec }: Policy): void {
    if (!spec) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatch(spec.matchConstraints);
  },
} as const;

export const bindingBasics = {
  generation: 'spec',
  unconditionalUpdate: false,
  defaults: ({ spec }: Binding): void => defaultMatch(spec?.matchResources),
} as const;

export function checkMatch(match: MatchResources, at: string, errors: FieldErrors, mutates = false): void {
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

export function checkParamKind({ apiVersion = '', kind = '' }: ParamKind, at: string, errors: FieldErrors): void {
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

export function checkVariables(
  variables: readonly Variable[] | undefined,
  at: string,
  errors: FieldErrors,
  checks: ExpressionChecks,
): void {
  (variables ?? []).forEach((variable, index) => {
    const { name = '', expression = '' } = variable;
    const here = `${at}[${index}]`;
    if (name.trim() === '') errors.required(`${here}.name`, 'name is not specified');
    else if (!identifier.test(name) || reserved.has(name)) {
      errors.invalid(`${here}.name`, name, 'must be a valid CEL identifier');
    }
    if (expression.trim() === '') errors.required(`${here}.expression`, 'expression is not specified');
    else checks.variable(variable, `${here}.expression`, errors);
  });
}

export function checkFailurePolicy(policy: string | undefined, errors: FieldErrors): void {
  if (policy === undefined) errors.required('spec.failurePolicy');
  else if (!['Fail', 'Ignore'].includes(policy)) errors.notSupported('spec.failurePolicy', policy, ['Fail', 'Ignore']);
}

export function checkConstraints(match: MatchResources | undefined, errors: FieldErrors, mutates = false): void {
  const at = 'spec.matchConstraints';
  if (!match) {
    errors.required(at);
    return;
  }
  checkMatch(match, at, errors, mutates);
  if (!match.resourceRules?.length) errors.required(`${at}.resourceRules`);
}

export function checkParamRef(reference: ParamRef, at: string, errors: FieldErrors): void {
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

export function checkPolicyName(name: string, errors: FieldErrors): void {
  if (name === '') errors.required('spec.policyName');
  else errors.rule('spec.policyName', name, validateDnsSubdomain(name));
}

import { type LabelSelector, validateLabelSelector, validateQualifiedName } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';

interface Rule {
  readonly apiGroups?: readonly string[] | null;
  readonly apiVersions?: readonly string[] | null;
  readonly operations?: readonly string[] | null;
  readonly resources?: readonly string[] | null;
  readonly scope?: string;
}

/** Says what is wrong with a CEL expression beyond its being there. */
export type ExpressionCheck = (expression: string, at: string, errors: FieldErrors) => void;

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes = ['*', 'Cluster', 'Namespaced'];

export function checkRule(rule: Rule, at: string, errors: FieldErrors): void {
  checkList(rule.operations, `${at}.operations`, errors, (each, here) => {
    if (!operations.includes(each)) errors.notSupported(here, each, operations);
  });
  checkList(rule.apiGroups, `${at}.apiGroups`, errors);
  checkList(rule.apiVersions, `${at}.apiVersions`, errors, (each, here) => {
    if (each === '') errors.required(here);
  });
  checkResources(rule.resources ?? [], `${at}.resources`, errors);
  const { scope } = rule;
  if (scope !== undefined && !scopes.includes(scope)) errors.notSupported(`${at}.scope`, scope, scopes);
}

function checkList(
  given: readonly string[] | null | undefined,
  at: string,
  errors: FieldErrors,
  each: (value: string, at: string) => void = () => undefined,
): void {
  const list = given ?? [];
  if (list.length === 0) errors.required(at);
  if (list.length > 1 && list.includes('*'))
    errors.invalid(at, list, `if '*' is present, must not specify other ${whatOf(at)}`);
  list.forEach((value, index) => {
    each(value, `${at}[${index}]`);
  });
}

const whatOf = (at: string) =>
  at.endsWith('operations') ? 'operations' : at.endsWith('apiGroups') ? 'API groups' : 'API versions';

function checkResources(resources: readonly string[], at: string, errors: FieldErrors): void {
  if (resources.length === 0) errors.required(at);
  const resourceWildcards = new Set<string>();
  const subresourceWildcards = new Set<string>();
  let allMain = false;
  let allOfAll = false;
  resources.forEach((each, index) => {
    const here = `${at}[${index}]`;
    if (each === '') {
      errors.required(here);
      return;
    }
    if (each === '*/*') allOfAll = true;
    if (each === '*') allMain = true;
    const [resource = '', subresource] = each.split(/\/(.*)/s);
    if (subresource === undefined) return;
    if (resourceWildcards.has(resource)) {
      errors.invalid(here, each, `if '${resource}/*' is present, must not specify ${each}`);
    }
    if (subresourceWildcards.has(subresource)) {
      errors.invalid(here, each, `if '*/${subresource}' is present, must not specify ${each}`);
    }
    if (resource === '*') subresourceWildcards.add(subresource);
    if (subresource === '*') resourceWildcards.add(resource);
  });
  if (resources.length > 1 && allOfAll) {
    errors.invalid(at, resources, "if '*/*' is present, must not specify other resources");
  }
  if (allMain && resources.some((each) => each !== '*' && !each.includes('/'))) {
    errors.invalid(at, resources, "if '*' is present, must not specify other resources without subresources");
  }
}

export function checkSelectorAt(selector: LabelSelector | undefined, at: string, errors: FieldErrors): void {
  if (selector) errors.list.push(...validateLabelSelector(selector, at));
}

interface MatchConditionLike {
  readonly name?: string;
  readonly expression?: string;
}

export function checkMatchConditions(
  conditions: readonly MatchConditionLike[] | undefined,
  at: string,
  errors: FieldErrors,
  check: ExpressionCheck,
): void {
  const list = conditions ?? [];
  if (list.length > 64) errors.tooMany(at, list.length, 64);
  const names = new Set<string>();
  list.forEach(({ name = '', expression = '' }, index) => {
    const here = `${at}[${index}]`;
    if (expression.trim() === '') errors.required(`${here}.expression`);
    else check(expression, `${here}.expression`, errors);
    if (name === '') {
      errors.required(`${here}.name`);
      return;
    }
    errors.rule(`${here}.name`, name, validateQualifiedName(name));
    if (names.has(name)) errors.duplicate(`${here}.name`, name);
    names.add(name);
  });
}

import type { PolicyRule } from '@keelson/core';
import type { AuthorizationRequest } from '../registry/contract.ts';

const wildcardOr = (list: readonly string[] | undefined, value: string) =>
  list?.some((each) => each === '*' || each === value) ?? false;

/** Whether one RBAC rule allows a request. */
export function ruleAllows(rule: PolicyRule, request: AuthorizationRequest): boolean {
  if (!wildcardOr(rule.verbs, request.verb)) return false;
  if (request.resource === undefined) {
    const path = request.path ?? '';
    return rule.nonResourceURLs?.some((each) => pathMatches(each, path)) ?? false;
  }
  return (
    wildcardOr(rule.apiGroups, request.group ?? '') &&
    (rule.resources?.some((each) => resourceMatches(each, request.resource ?? '', request.subresource)) ?? false) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(request.name ?? ''))
  );
}

/** `*` at the end, or several, stand for anything. */
function pathMatches(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')));
}

/** `pods/log` is asked for by that name, by `*` or by `*` + `/log`. */
function resourceMatches(pattern: string, resource: string, subresource: string | undefined): boolean {
  if (pattern === '*') return true;
  if (subresource === undefined || subresource === '') return pattern === resource;
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`;
}

/** Whether holding `rules` implies all that `wanted` allows (each verb, group, resource and name of it, one by one). */
export function rulesCover(rules: readonly PolicyRule[], wanted: PolicyRule): boolean {
  const names = wanted.resourceNames?.length ? wanted.resourceNames : [undefined];
  const each = (verb: string) => [
    ...(wanted.nonResourceURLs ?? []).map(
      (path) => (rule: PolicyRule) =>
        wildcardOr(rule.verbs, verb) && (rule.nonResourceURLs?.some((pattern) => pathMatches(pattern, path)) ?? false),
    ),
    ...(wanted.apiGroups ?? []).flatMap((group) =>
      (wanted.resources ?? []).flatMap((full) =>
        names.map((name) => (rule: PolicyRule) => {
          const [resource = '', subresource] = full.split('/');
          return (
            wildcardOr(rule.verbs, verb) &&
            wildcardOr(rule.apiGroups, group) &&
            (rule.resources?.some((pattern) => pattern === full || resourceMatches(pattern, resource, subresource)) ??
              false) &&
            (!rule.resourceNames?.length || (name !== undefined && rule.resourceNames.includes(name)))
          );
        }),
      ),
    ),
  ];
  return (wanted.verbs ?? []).every((verb) => each(verb).every((check) => rules.some(check)));
}

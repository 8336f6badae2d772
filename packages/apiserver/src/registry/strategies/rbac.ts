import {
  ClusterRole,
  ClusterRoleBinding,
  deepEqual,
  type PolicyRule,
  Role,
  RoleBinding,
  type RoleRef,
  type Subject,
  validateDnsSubdomain,
  validateLabelSelector,
  validatePathSegment,
} from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';
import { goValue } from './go-value.ts';

const rbac = 'rbac.authorization.k8s.io';
const api = 'io.k8s.api.rbac.v1.';

function checkRules(rules: readonly PolicyRule[] | null | undefined, namespaced: boolean, errors: FieldErrors): void {
  (rules ?? []).forEach((rule, index) => {
    const at = `rules[${index}]`;
    const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
    if (!verbs?.length) errors.required(`${at}.verbs`, 'verbs must contain at least one value');
    if (nonResourceURLs?.length) {
      const wrong = (why: string) => errors.invalid(`${at}.nonResourceURLs`, nonResourceURLs, why);
      if (namespaced) wrong('namespaced rules cannot apply to non-resource URLs');
      if (apiGroups?.length || resources?.length || resourceNames?.length) {
        wrong('rules cannot apply to both regular resources and non-resource URLs');
      }
      return;
    }
    if (!apiGroups?.length) errors.required(`${at}.apiGroups`, 'resource rules must supply at least one api group');
    if (!resources?.length) errors.required(`${at}.resources`, 'resource rules must supply at least one resource');
  });
}

const role = strategyFor(Role, {
  createOnUpdate: true,
  nameRule: validatePathSegment,
  validate: ({ rules }, errors) => checkRules(rules, true, errors),
});

function checkClusterRole({ rules, aggregationRule }: ClusterRole, errors: FieldErrors): void {
  checkRules(rules, false, errors);
  if (!aggregationRule) return;
  const at = 'aggregationRule.clusterRoleSelectors';
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    errors.required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil');
  }
  selectors.forEach((each, index) => {
    const found = validateLabelSelector(each, `${at}[${index}]`);
    errors.list.push(...found);
    if (found.length > 0) errors.invalid(`${at}[${index}]`, null, 'invalid label selector.');
  });
}

const clusterRole = strategyFor(ClusterRole, {
  createOnUpdate: true,
  nameRule: validatePathSegment,
  validate: (object, errors) => checkClusterRole(object, errors),
});

interface AnyBinding {
  roleRef: Draft<RoleRef>;
  subjects?: Draft<Subject>[];
}

function defaultBinding(binding: AnyBinding): void {
  if (binding.roleRef) binding.roleRef.apiGroup ||= rbac;
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbac;
    else if (subject.apiGroup === '') delete subject.apiGroup;
  }
}

interface BindingLike {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[];
}

function checkBinding({ roleRef, subjects }: BindingLike, kinds: readonly string[], errors: FieldErrors): void {
  const { apiGroup = '', kind = '', name = '' } = roleRef ?? {};
  if (apiGroup !== rbac) errors.notSupported('roleRef.apiGroup', apiGroup, [rbac]);
  if (!kinds.includes(kind)) errors.notSupported('roleRef.kind', kind, kinds);
  if (name === '') errors.required('roleRef.name');
  else errors.rule('roleRef.name', name, validatePathSegment(name));
  (subjects ?? []).forEach((subject, index) => {
    checkSubject(subject, kinds.length > 1, `subjects[${index}]`, errors);
  });
}

function checkSubject(subject: Subject, namespaced: boolean, at: string, errors: FieldErrors): void {
  const { kind = '', name = '', apiGroup = '', namespace = '' } = subject;
  if (name === '') errors.required(`${at}.name`);
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '') errors.rule(`${at}.name`, name, validateDnsSubdomain(name));
      if (apiGroup !== '') errors.notSupported(`${at}.apiGroup`, apiGroup, ['']);
      if (namespace === '' && !namespaced) errors.required(`${at}.namespace`);
      return;
    case 'User':
    case 'Group':
      if (apiGroup !== rbac) errors.notSupported(`${at}.apiGroup`, apiGroup, [rbac]);
      return;
    default:
      errors.notSupported(`${at}.kind`, kind, ['ServiceAccount', 'User', 'Group']);
  }
}

function roleRefStays(object: BindingLike, old: BindingLike, errors: FieldErrors): void {
  if (deepEqual(object.roleRef, old.roleRef)) return;
  errors.invalid('roleRef', goValue(`${api}RoleRef`, object.roleRef), 'cannot change roleRef');
}

const roleKinds = ['Role', 'ClusterRole'];
const clusterRoleKinds = ['ClusterRole'];

const roleBinding = strategyFor<RoleBinding>(RoleBinding, {
  createOnUpdate: true,
  nameRule: validatePathSegment,
  defaults: (object) => defaultBinding(object),
  validate: (object, errors) => checkBinding(object, roleKinds, errors),
  validateUpdate: roleRefStays,
});

const clusterRoleBinding = strategyFor<ClusterRoleBinding>(ClusterRoleBinding, {
  createOnUpdate: true,
  nameRule: validatePathSegment,
  defaults: (object) => defaultBinding(object),
  validate: (object, errors) => checkBinding(object, clusterRoleKinds, errors),
  validateUpdate: roleRefStays,
});

export const rbacStrategies: readonly NamedStrategy[] = [role, clusterRole, roleBinding, clusterRoleBinding];

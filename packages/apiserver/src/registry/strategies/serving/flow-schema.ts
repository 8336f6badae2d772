import {
  deepEqual,
  FlowSchema,
  type NonResourcePolicyRule,
  type ResourcePolicyRule,
  validateDnsLabel,
  validateDnsSubdomain,
} from '@keelson/core';
import { type FieldErrors, strategyFor } from '../../strategy.ts';
import { goValue } from '../go-value.ts';
import { resetMetadata } from '../reset-metadata.ts';
import { checkFlowConditions } from './flow-conditions.ts';
import { mandatorySchemas } from './flow-control-defaults.ts';

type Subject = NonNullable<NonNullable<NonNullable<FlowSchema['spec']>['rules']>[number]['subjects']>[number];

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

function checkSubject(subject: Subject, at: string, errors: FieldErrors): void {
  const { kind, user, group, serviceAccount } = subject;
  const forbid = (field: string, given: unknown, wanted: string) => {
    if (given !== undefined)
      errors.forbidden(`${at}.${field}`, `${field} is forbidden when subject kind is not '${wanted}'`);
  };
  if (kind === 'User') {
    if (!user) errors.required(`${at}.user`, "user is required when subject kind is 'User'");
    else if (!user.name) errors.required(`${at}.user.name`);
    forbid('group', group, 'Group');
    forbid('serviceAccount', serviceAccount, 'ServiceAccount');
  } else if (kind === 'Group') {
    if (!group) errors.required(`${at}.group`, "group is required when subject kind is 'Group'");
    else if (!group.name) errors.required(`${at}.group.name`);
    forbid('user', user, 'User');
    forbid('serviceAccount', serviceAccount, 'ServiceAccount');
  } else if (kind === 'ServiceAccount') {
    if (!serviceAccount) {
      errors.required(`${at}.serviceAccount`, "serviceAccount is required when subject kind is 'ServiceAccount'");
    } else checkServiceAccount(serviceAccount, `${at}.serviceAccount`, errors);
    forbid('user', user, 'User');
    forbid('group', group, 'Group');
  } else errors.notSupported(`${at}.kind`, kind ?? '', ['Group', 'ServiceAccount', 'User']);
}

function checkServiceAccount(
  { name = '', namespace = '' }: NonNullable<Subject['serviceAccount']>,
  at: string,
  errors: FieldErrors,
): void {
  if (name === '') errors.required(`${at}.name`);
  else if (name !== '*') errors.rule(`${at}.name`, name, validateDnsSubdomain(name));
  if (namespace === '') errors.required(`${at}.namespace`, 'must specify namespace for service account');
  else errors.rule(`${at}.namespace`, namespace, validateDnsLabel(namespace));
}

function checkVerbs(given: readonly string[], at: string, errors: FieldErrors): void {
  if (given.length === 0) errors.required(`${at}.verbs`, 'verbs must contain at least one value');
  else if (given.includes('*') && given.length > 1)
    errors.invalid(`${at}.verbs`, given, "if '*' is present, must not specify other verbs");
  else if (!given.includes('*') && !given.every((each) => verbs.includes(each))) {
    errors.notSupported(`${at}.verbs`, given, verbs);
  }
}

function checkResourceRule(rule: ResourcePolicyRule, at: string, errors: FieldErrors): void {
  const { clusterScope = false } = rule;
  const [given, groups, resources, namespaces] = [
    rule.verbs ?? [],
    rule.apiGroups ?? [],
    rule.resources ?? [],
    rule.namespaces ?? [],
  ];
  checkVerbs(given, at, errors);
  if (groups.length === 0) errors.required(`${at}.apiGroups`, 'resource rules must supply at least one api group');
  else if (groups.length > 1 && groups.includes('*')) {
    errors.invalid(`${at}.apiGroups`, groups, "if '*' is present, must not specify other api groups");
  }
  if (resources.length === 0) errors.required(`${at}.resources`, 'resource rules must supply at least one resource');
  else if (resources.length > 1 && resources.includes('*')) {
    errors.invalid(`${at}.resources`, resources, "if '*' is present, must not specify other resources");
  }
  if (namespaces.length === 0 && !clusterScope) {
    errors.required(
      `${at}.namespaces`,
      'resource rules that are not cluster scoped must supply at least one namespace',
    );
  } else if (namespaces.includes('*')) {
    if (namespaces.length > 1)
      errors.invalid(`${at}.namespaces`, namespaces, "if '*' is present, must not specify other namespaces");
  } else {
    namespaces.forEach((each, index) => {
      for (const why of validateDnsLabel(each)) {
        const whole = `each member of this list must be '*' or a DNS-1123 label; ${why}`;
        errors.invalid(`${at}.namespaces[${index}]`, each, whole);
      }
    });
  }
}

function checkUrl(url: string, at: string, errors: FieldErrors): void {
  if (url === '*') return;
  if (url === '') errors.invalid(at, url, 'must not be empty');
  else if (!url.startsWith('/')) errors.invalid(at, url, 'must start with slash');
  else if (/[ ]/.test(url)) errors.invalid(at, url, 'must not contain white-space');
  else if (url.includes('//')) errors.invalid(at, url, 'must not contain double slash');
  else if (url.includes('*') && (url.indexOf('*') !== url.length - 1 || !url.endsWith('/*'))) {
    errors.invalid(at, url, 'wildcard can only do suffix matching');
  }
}

function checkNonResourceRule(rule: NonResourcePolicyRule, at: string, errors: FieldErrors): void {
  const given = rule.verbs ?? [];
  const urls = rule.nonResourceURLs ?? [];
  checkVerbs(given, at, errors);
  if (urls.length === 0) errors.required(`${at}.nonResourceURLs`, 'nonResourceURLs must contain at least one value');
  else if (urls.length > 1 && urls.includes('*')) {
    errors.invalid(`${at}.nonResourceURLs`, urls, "if '*' is present, must not specify other non-resource URLs");
  }
  urls.forEach((each, index) => void checkUrl(each, `${at}.nonResourceURLs[${index}]`, errors));
}

function checkSpec(name: string, spec: NonNullable<FlowSchema['spec']>, errors: FieldErrors): void {
  const {
    matchingPrecedence: precedence = 0,
    distinguisherMethod,
    rules = [],
    priorityLevelConfiguration: level,
  } = spec;
  const at = 'spec.matchingPrecedence';
  if (precedence <= 0) errors.invalid(at, precedence, 'must be a positive value');
  if (precedence > 10000) errors.invalid(at, precedence, 'must not be greater than 10000');
  if (precedence === 1 && name !== 'exempt') {
    errors.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  }
  if (distinguisherMethod && !['ByNamespace', 'ByUser'].includes(distinguisherMethod.type ?? '')) {
    const shown = goValue('io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod', distinguisherMethod);
    errors.notSupported('spec.distinguisherMethod.type', shown, ['ByNamespace', 'ByUser']);
  }
  if (!level?.name) errors.required('spec.priorityLevelConfiguration.name', 'must reference a priority level');
  else errors.rule('spec.priorityLevelConfiguration.name', level.name, validateDnsSubdomain(level.name));
  rules.forEach((rule, index) => {
    const here = `spec.rules[${index}]`;
    const subjects = rule.subjects ?? [];
    if (subjects.length === 0) errors.required(`${here}.subjects`, 'subjects must contain at least one value');
    subjects.forEach((each, place) => void checkSubject(each, `${here}.subjects[${place}]`, errors));
    if (!rule.resourceRules?.length && !rule.nonResourceRules?.length) {
      errors.required(here, 'at least one of resourceRules and nonResourceRules has to be non-empty');
    }
    rule.resourceRules?.forEach(
      (each, place) => void checkResourceRule(each, `${here}.resourceRules[${place}]`, errors),
    );
    rule.nonResourceRules?.forEach(
      (each, place) => void checkNonResourceRule(each, `${here}.nonResourceRules[${place}]`, errors),
    );
  });
}

export const flowSchema = strategyFor(FlowSchema, {
  generation: 'spec',
  defaults({ spec }) {
    if (spec && !spec.matchingPrecedence) spec.matchingPrecedence = 1000;
  },
  prepareStatusUpdate: (object, old) => resetMetadata(object, old),
  validate({ spec, metadata }, errors) {
    const name = metadata.name ?? '';
    const wanted = mandatorySchemas[name];
    if (wanted && !deepEqual(spec, wanted)) {
      const shown = goValue('io.k8s.api.flowcontrol.v1.FlowSchemaSpec', spec);
      errors.invalid('spec', shown, `spec of '${name}' must equal the fixed value`);
    }
    checkSpec(name, spec ?? { priorityLevelConfiguration: { name: '' } }, errors);
  },
  validateStatusUpdate: ({ status }, _old, errors) => checkFlowConditions(status?.conditions, errors),
});

import { validateDnsLabel, validateDnsSubdomain } from '@keelson/core';
import type { CelLibrary } from '../contract.ts';
import { boolType, stringType } from '../standard-types.ts';
import { CelError } from '../value.ts';
import {
  authorizerType,
  type CelAuthorizer,
  CelGroupCheck,
  decisionType,
  groupCheckType,
  pathCheckType,
  resourceCheckType as resource,
} from './authorizer.ts';
import { added, type CallCost, fixed, fixedCost, perCharacter, sizeEstimate, sizeOf, times } from './cost-rules.ts';
import { method, named } from './declare.ts';

/** A check may go out to a webhook: no other call comes near it. */
const checkCost = fixedCost(350_000);

/** A list of conditions, of which a text holds at most one in two characters. */
const listCost = 10;
const conditionCost = 50;
const conditionsPerCharacter = 0.5;

const selectorCost: CallCost = {
  estimate: ([, text]) => {
    const size = sizeEstimate(text);
    const count = times(size, conditionsPerCharacter);
    const conditions = times(count, conditionCost);
    return { cost: added(fixed(listCost), added(times(size, perCharacter), conditions)) };
  },
  cost: ([, text]) => {
    const size = sizeOf(text);
    return listCost + Math.ceil(size * perCharacter) + conditionCost * Math.ceil(size * conditionsPerCharacter);
  },
};

function serviceAccount(authorizer: CelAuthorizer, namespace: string, name: string): CelAuthorizer {
  if (validateDnsSubdomain(name).length > 0) throw new CelError('Invalid service account name');
  if (validateDnsLabel(namespace).length > 0) throw new CelError('Invalid service account namespace');
  return authorizer.serviceAccount(namespace, name);
}

const parts = ['subresource', 'namespace', 'name'] as const;

/** Kubernetes' questions to its authorizers: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-authorizer-library */
export const authorizerLibrary: CelLibrary = {
  name: 'kubernetes.authz',
  functions: [
    named(
      'path',
      method('authorizer_path', [authorizerType, stringType], pathCheckType, (authorizer, path) =>
        authorizer.path(path),
      ),
    ),
    named(
      'group',
      method(
        'authorizer_group',
        [authorizerType, stringType],
        groupCheckType,
        (authorizer, group) => new CelGroupCheck(authorizer, group),
      ),
    ),
    named(
      'serviceAccount',
      method('authorizer_serviceaccount', [authorizerType, stringType, stringType], authorizerType, serviceAccount),
    ),
    named(
      'resource',
      method('groupcheck_resource', [groupCheckType, stringType], resource, (group, resource) =>
        group.resource(resource),
      ),
    ),
    ...parts.map((part) =>
      named(
        part,
        method(`resourcecheck_${part}`, [resource, stringType], resource, (check, value) => check.with(part, value)),
      ),
    ),
    named(
      'check',
      method(
        'pathcheck_check',
        [pathCheckType, stringType],
        decisionType,
        (check, verb) => check.check(verb),
        checkCost,
      ),
      method(
        'resourcecheck_check',
        [resource, stringType],
        decisionType,
        (check, verb) => check.check(verb),
        checkCost,
      ),
    ),
    named(
      'allowed',
      method('decision_allowed', [decisionType], boolType, ({ allowed }) => allowed),
    ),
    named(
      'reason',
      method('decision_reason', [decisionType], stringType, ({ reason }) => reason),
    ),
    named(
      'errored',
      method('decision_errored', [decisionType], boolType, ({ error }) => error !== ''),
    ),
    named(
      'error',
      method('decision_error', [decisionType], stringType, ({ error }) => error),
    ),
  ],
};

/** What Kubernetes 1.31 added to them. */
export const authorizerSelectorLibrary: CelLibrary = {
  name: 'kubernetes.authzSelectors',
  functions: [
    named(
      'fieldSelector',
      method(
        'authorizer_fieldselector',
        [resource, stringType],
        resource,
        (check, text) => check.selectingFields(text),
        selectorCost,
      ),
    ),
    named(
      'labelSelector',
      method(
        'authorizer_labelselector',
        [resource, stringType],
        resource,
        (check, text) => check.selectingLabels(text),
        selectorCost,
      ),
    ),
  ],
};

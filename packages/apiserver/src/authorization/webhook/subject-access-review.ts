import type { FieldRequirement, LabelRequirement } from '@keelson/core';
import type { AuthorizationRequest } from '../../registry/contract.ts';

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface Selector {
  readonly requirements: readonly Requirement[];
}

/** `spec` of a SubjectAccessReview of authorization.k8s.io/v1, in the order in which Kubernetes writes it. */
export interface AccessQuestion {
  readonly resourceAttributes?: {
    readonly namespace?: string;
    readonly verb: string;
    readonly group?: string;
    readonly version?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly name?: string;
    readonly fieldSelector?: Selector;
    readonly labelSelector?: Selector;
  };
  readonly nonResourceAttributes?: { readonly path: string; readonly verb: string };
  readonly user: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  readonly uid?: string;
}

/** A request as a webhook is asked about it, with its selectors (KEP-4601). */
export function accessQuestion(request: AuthorizationRequest): AccessQuestion {
  const { user, verb, path = '' } = request;
  const { name, groups, extra, uid } = user;
  return {
    ...(request.resource === undefined
      ? { nonResourceAttributes: { path, verb } }
      : { resourceAttributes: resourceAttributes(request, request.resource) }),
    user: name,
    ...(groups.length > 0 && { groups }),
    ...(extra && Object.keys(extra).length > 0 && { extra }),
    ...(uid && { uid }),
  };
}

function resourceAttributes(request: AuthorizationRequest, resource: string) {
  const { namespace, verb, group, version, subresource, name } = request;
  const fields = (request.fieldSelector ?? []).map(fieldRequirement);
  const labels = (request.labelSelector ?? []).flatMap(labelRequirement);
  return {
    ...(namespace && { namespace }),
    verb,
    ...(group && { group }),
    ...(version && { version }),
    resource,
    ...(subresource && { subresource }),
    ...(name && { name }),
    ...(fields.length > 0 && { fieldSelector: { requirements: fields } }),
    ...(labels.length > 0 && { labelSelector: { requirements: labels } }),
  };
}

const fieldRequirement = ({ field, operator, value }: FieldRequirement): Requirement => ({
  key: field,
  operator: operator === '=' ? 'In' : 'NotIn',
  values: [value],
});

const operators: Readonly<Record<LabelRequirement['operator'], string | undefined>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
  '>': undefined,
  '<': undefined,
};

/** Comparisons of numbers have no form in a review; without them the question is the wider one. */
function labelRequirement({ key, operator, values }: LabelRequirement): readonly Requirement[] {
  const known = operators[operator];
  return known === undefined ? [] : [{ key, operator: known, ...(values.length > 0 && { values }) }];
}

/** The variable `request` of match conditions: fields of text are there even when they are empty. */
export function conditionVariable({ resourceAttributes, nonResourceAttributes, ...rest }: AccessQuestion): object {
  const { user, groups = [], uid = '', extra = {} } = rest;
  const empty = { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '' };
  return {
    user,
    groups,
    uid,
    extra,
    ...(resourceAttributes && { resourceAttributes: { ...empty, ...resourceAttributes } }),
    ...(nonResourceAttributes && { nonResourceAttributes }),
  };
}

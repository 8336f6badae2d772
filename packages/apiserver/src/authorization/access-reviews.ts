import {
  type FieldRequirement,
  type FieldSelectorAttributes,
  type FieldSelectorRequirement,
  type LabelRequirement,
  type LabelSelectorAttributes,
  type LabelSelectorRequirement,
  parseFieldSelector,
  parseLabelSelector,
  type ResourceAttributes,
  type SubjectAccessReviewSpec,
  type SubjectAccessReviewStatus,
} from '@keelson/core';
import type { AuthorizationRequest, Authorizer, UserInfo } from '../registry/contract.ts';
import { together } from './authorizer-chain.ts';
import { nodeOf } from './node/node-identity.ts';
import { type HeldRules, noRole, type RbacAuthorizer } from './rbac-authorizer.ts';
import { sortedFields } from './selection.ts';

/** The `status` of a (Self|Local)SubjectAccessReview that is valid. `self` is who asks, where that is the subject. */
export async function reviewAccess(
  authorizer: Authorizer,
  spec: Partial<SubjectAccessReviewSpec>,
  self?: UserInfo,
): Promise<SubjectAccessReviewStatus> {
  const { resourceAttributes, nonResourceAttributes, user = '', groups = [], uid, extra } = spec;
  const asked: UserInfo = self ?? { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) };
  const request: AuthorizationRequest = resourceAttributes
    ? { user: asked, ...attributesOf(resourceAttributes) }
    : { user: asked, verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' };
  const { allowed, denied, reason, error } = await authorizer.authorize(request);
  const errors = [...(error === undefined ? [] : [error]), ...selectorsIgnored(resourceAttributes)];
  return {
    allowed,
    ...(denied && { denied }),
    ...(reason !== '' && { reason }),
    ...(errors.length > 0 && { evaluationError: errors.join('; ') }),
  };
}

function attributesOf(attributes: ResourceAttributes) {
  const { namespace, verb = '', group, version, resource = '', subresource, name } = attributes;
  const fieldSelector = attributes.fieldSelector && fieldRequirements(attributes.fieldSelector);
  const labelSelector = attributes.labelSelector && labelRequirementsOf(attributes.labelSelector);
  return {
    verb,
    resource,
    ...(namespace && { namespace }),
    ...(group && { group }),
    version: version || '*',
    ...(subresource && { subresource }),
    ...(name && { name }),
    ...(fieldSelector && { fieldSelector }),
    ...(labelSelector && { labelSelector }),
  };
}

/** What of a selector can be read; the rest counts for nothing. */
function fieldRequirements({ rawSelector, requirements = [] }: FieldSelectorAttributes): readonly FieldRequirement[] {
  if (rawSelector) return parses(sortedFields, rawSelector) ? sortedFields(rawSelector) : [];
  return requirements.filter(isFieldRequirement).map(({ key, operator, values = [] }) => ({
    field: key,
    operator: operator === 'In' ? '=' : '!=',
    value: values[0] ?? '',
  }));
}

function labelRequirementsOf({ rawSelector, requirements = [] }: LabelSelectorAttributes): readonly LabelRequirement[] {
  if (rawSelector) return parses(parseLabelSelector, rawSelector) ? parseLabelSelector(rawSelector) : [];
  return requirements.flatMap(({ key = '', operator, values = [] }) => {
    const known = labelOperators.get(operator);
    return known === undefined ? [] : [{ key, operator: known, values }];
  });
}

const labelOperators: ReadonlyMap<string, LabelRequirement['operator']> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
]);

/** Which selectors of a question could not be read, or not all of them. */
function selectorsIgnored(attributes: ResourceAttributes | undefined): readonly string[] {
  const found: string[] = [];
  const look = <T>(
    name: 'fieldSelector' | 'labelSelector',
    selector: { readonly rawSelector?: string; readonly requirements?: readonly T[] } | undefined,
    parse: (text: string) => unknown,
    fits: (requirement: T) => boolean,
  ) => {
    if (!selector) return;
    const { rawSelector, requirements = [] } = selector;
    const good = requirements.filter(fits).length;
    const bad = rawSelector ? !parses(parse, rawSelector) : good < requirements.length;
    const partially = good > 0 ? 'partially ' : '';
    if (bad) found.push(`spec.resourceAttributes.${name} ${partially}ignored due to parse error`);
  };
  look('fieldSelector', attributes?.fieldSelector, parseFieldSelector, isFieldRequirement);
  look('labelSelector', attributes?.labelSelector, parseLabelSelector, isLabelRequirement);
  return found;
}

/** A selector of fields knows equality alone. */
const isFieldRequirement = ({ operator, values }: FieldSelectorRequirement) =>
  ['In', 'NotIn'].includes(operator) && values?.length === 1;
const isLabelRequirement = ({ operator }: LabelSelectorRequirement) => labelOperators.has(operator);

function parses(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

/** The `status` of a SelfSubjectRulesReview. `authorizers`: the types of those that are asked, in their order. */
export function reviewRules(
  authorizer: RbacAuthorizer,
  authorizers: readonly string[],
  user: UserInfo,
  namespace: string,
) {
  const unable = [...new Set(authorizers)].flatMap((type) => cannotList(type, user) ?? []);
  const { rules, missing } = authorizers.includes('RBAC') ? authorizer.rulesFor(user, namespace) : nothing;
  const problems = [...unable, ...missing.map(noRole)];
  return {
    resourceRules: rules
      .filter((rule) => rule.resources?.length)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames && { resourceNames }),
      })),
    nonResourceRules: rules
      .filter((rule) => rule.nonResourceURLs?.length)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: unable.length > 0,
    ...(problems.length > 0 && { evaluationError: together(problems) }),
  };
}

const nothing: HeldRules = { rules: [], missing: [] };

function cannotList(type: string, user: UserInfo): string | undefined {
  if (type === 'Webhook') return 'webhook authorizer does not support user rule resolution';
  if (type !== 'Node' || nodeOf(user) === undefined) return undefined;
  return 'node authorizer does not support user rule resolution';
}

import { StatusError } from '@keelson/core';
import { z } from 'zod';
import type { AuthorizationRequest, UserInfo } from '../registry/contract.ts';
import type { RbacAuthorizer } from './rbac-authorizer.ts';

const text = z
  .string()
  .nullish()
  .transform((each) => each ?? undefined);
const strings = z
  .array(z.string())
  .nullish()
  .transform((each) => each ?? []);
const AccessSpec = z.object({
  resourceAttributes: z
    .object({ namespace: text, verb: text, group: text, version: text, resource: text, subresource: text, name: text })
    .nullish(),
  nonResourceAttributes: z.object({ path: text, verb: text }).nullish(),
  user: text,
  groups: strings,
  uid: text,
  extra: z.record(z.string(), z.array(z.string())).nullish(),
});

const invalid = (field: string, value: string, why: string) =>
  StatusError.invalid({ group: 'authorization.k8s.io', resource: '' }, '', [
    { type: 'FieldValueInvalid', field, message: `Invalid value: ${value}: ${why}` },
  ]);

/**
 * The `status` of a (Self|Local)SubjectAccessReview. `self` is who is asked about when the spec does not say;
 * `namespace` is where a LocalSubjectAccessReview stands. Throws 400 or 422 for a spec that asks nothing clear.
 */
export function reviewAccess(
  authorizer: RbacAuthorizer,
  spec: unknown,
  options: { readonly self?: UserInfo; readonly namespace?: string },
): { readonly allowed: boolean; readonly reason?: string } {
  const parsed = AccessSpec.safeParse(spec ?? {});
  if (!parsed.success) throw StatusError.badRequest(z.prettifyError(parsed.error));
  const { resourceAttributes, nonResourceAttributes, user, groups, uid, extra } = parsed.data;
  if (Boolean(resourceAttributes) === Boolean(nonResourceAttributes)) {
    const why = nonResourceAttributes
      ? 'cannot be specified in combination with resourceAttributes'
      : 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    throw invalid(nonResourceAttributes ? 'spec.nonResourceAttributes' : 'spec.resourceAttributes', 'null', why);
  }
  if (!options.self && user === undefined && groups.length === 0) {
    throw invalid('spec.user', '""', 'at least one of user or group must be specified');
  }
  if (options.namespace !== undefined && resourceAttributes?.namespace !== options.namespace) {
    const namespace = JSON.stringify(resourceAttributes?.namespace ?? '');
    throw invalid('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace');
  }
  const asked: UserInfo = options.self ?? { name: user ?? '', groups, ...(uid && { uid }), ...(extra && { extra }) };
  const request: AuthorizationRequest = resourceAttributes
    ? {
        ...resourceAttributes,
        user: asked,
        verb: resourceAttributes.verb ?? '',
        resource: resourceAttributes.resource ?? '',
      }
    : { user: asked, verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' };
  const { allowed, reason } = authorizer.authorize(request);
  return { allowed, ...(reason !== '' && { reason }) };
}

/** The `status` of a SelfSubjectRulesReview. */
export function reviewRules(authorizer: RbacAuthorizer, user: UserInfo, namespace: string) {
  const rules = authorizer.rulesFor(user, namespace);
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
    incomplete: false,
  };
}

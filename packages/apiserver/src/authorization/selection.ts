import { type FieldRequirement, parseFieldSelector, parseLabelSelector, SelectorError } from '@keelson/core';
import type { AuthorizationRequest, UserInfo } from '../registry/contract.ts';

const collections: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);

type Target = Pick<
  AuthorizationRequest,
  'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'namespace' | 'name'
>;

interface Selectors {
  readonly fieldSelector?: string | undefined;
  readonly labelSelector?: string | undefined;
}

/**
 * What authorizers are asked about a request for objects. A Namespace is in itself, so that a RoleBinding inside of it
 * may grant reading it, though not listing it by its name.
 */
export function questionAbout(user: UserInfo, target: Target, selectors?: Selectors): AuthorizationRequest {
  const { verb, group, version, resource, subresource, name } = target;
  const namespace = resource === 'namespaces' && name ? name : target.namespace;
  const question = { user, verb, group, version, resource, subresource, namespace, name };
  if (!selectors?.fieldSelector && !selectors?.labelSelector) return question;
  return { ...question, ...selectionOf(verb, name, selectors) };
}

/**
 * What of selectors counts for authorization (KEP-4601): their conditions, and for a list or watch of one name that
 * name, as if it had been asked for by its path. A selector that cannot be read counts for nothing.
 */
export function selectionOf(
  verb: string,
  name: string | undefined,
  selectors: Selectors,
): Pick<AuthorizationRequest, 'name' | 'fieldSelector' | 'labelSelector'> {
  if (name || !collections.has(verb)) return { ...(name && { name }) };
  const labelSelector = readable(parseLabelSelector, selectors.labelSelector);
  const fieldSelector = readable(sortedFields, selectors.fieldSelector);
  const labels = labelSelector && { labelSelector };
  if (!fieldSelector) return { ...labels };
  const named = fieldSelector.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value;
  const counts = verb !== 'deletecollection' && named && isPathSegment(named);
  return { fieldSelector, ...labels, ...(counts && { name: named }) };
}

/** By field, as Kubernetes gives them on. */
export const sortedFields = (text: string): readonly FieldRequirement[] =>
  [...parseFieldSelector(text)].sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0));

function readable<T>(parse: (text: string) => T, text: string | undefined): T | undefined {
  if (!text) return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

const isPathSegment = (name: string) => name !== '.' && name !== '..' && !/[/%]/.test(name);

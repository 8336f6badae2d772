import { type FieldRequirement, parseFieldSelector, SelectorError } from '@keelson/core';
import type { AuthorizationRequest } from '../registry/contract.ts';

const collections: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);

/**
 * What of a selector of fields counts for authorization (KEP-4601): its conditions, and for a list or watch of one name
 * that name, as if it had been asked for by its path. A selector that cannot be read counts for nothing.
 */
export function selectionOf(
  verb: string,
  name: string | undefined,
  text: string | undefined,
): Pick<AuthorizationRequest, 'name' | 'fieldSelector'> {
  if (!text || name || !collections.has(verb)) return { ...(name && { name }) };
  const fieldSelector = requirementsOf(text);
  if (!fieldSelector) return {};
  const named = fieldSelector.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value;
  const counts = verb !== 'deletecollection' && named && isPathSegment(named);
  return { fieldSelector, ...(counts && { name: named }) };
}

function requirementsOf(text: string): readonly FieldRequirement[] | undefined {
  try {
    return parseFieldSelector(text);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

const isPathSegment = (name: string) => name !== '.' && name !== '..' && !/[/%]/.test(name);

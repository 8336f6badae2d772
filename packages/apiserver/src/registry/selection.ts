import {
  type KubernetesObject,
  type LabelRequirement,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  SelectorError,
  StatusError,
} from '@keelson/core';
import type { FieldLabels } from './field-labels.ts';

/** Which objects of a kind a list, watch or deletecollection is about. */
export interface Selection {
  readonly everything: boolean;
  /** Set where the selector asks for exactly one object. */
  readonly name?: string;
  /** A field that must have exactly this value, other than name and namespace. */
  readonly field?: { readonly field: string; readonly value: string };
  matches(object: KubernetesObject): boolean;
}

export const everything: Selection = { everything: true, matches: () => true };

/** Throws a 400 for selectors that cannot be read. */
export function checkSelectorSyntax(labels: string | undefined, fields: string | undefined): void {
  try {
    if (labels) parseLabelSelector(labels);
    if (fields) parseFieldSelector(fields);
  } catch (error) {
    if (error instanceof SelectorError) throw StatusError.badRequest(error.message);
    throw error;
  }
}

/** Throws a 400 for selectors that cannot be read or name fields that the kind does not offer. */
export function selectionOf(
  labels: string | undefined,
  fields: string | undefined,
  { supported, fieldsOf, refusal }: FieldLabels,
): Selection {
  if (!labels && !fields) return everything;
  try {
    const labelTerms: readonly LabelRequirement[] = labels ? parseLabelSelector(labels) : [];
    // A term without field and value asks for nothing.
    const fieldTerms = (fields ? parseFieldSelector(fields) : []).filter(({ field, value }) => field || value);
    for (const { field } of fieldTerms) if (!supported.has(field)) throw StatusError.badRequest(refusal(field));
    const name = fieldTerms.find((each) => each.field === 'metadata.name' && each.operator === '=')?.value;
    const field = fieldTerms.find((each) => each.operator === '=' && !each.field.startsWith('metadata.'));
    return {
      everything: labelTerms.length === 0 && fieldTerms.length === 0,
      ...(name !== undefined && { name }),
      ...(field && { field: { field: field.field, value: field.value } }),
      matches: (object) =>
        (fieldTerms.length === 0 || matchesFields(fieldTerms, (field) => fieldsOf(object, field))) &&
        (labelTerms.length === 0 || matchesLabels(labelTerms, object.metadata.labels)),
    };
  } catch (error) {
    if (error instanceof SelectorError) throw StatusError.badRequest(error.message);
    throw error;
  }
}

import type { MatchResources, NamedRuleWithOperations } from '@keelson/core';
import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import type { ObjectReader } from '../object-reader.ts';
import { formFor } from '../rule-set.ts';
import { namespaceOf } from '../webhook/admission-review.ts';
import { selectorsMatch, unlessEmpty } from '../webhook/match-webhook.ts';
import type { Matcher } from './contract.ts';

/** What is left out means everything. */
export function matcherOf(match: MatchResources | undefined): Matcher {
  const { resourceRules = [], excludeResourceRules = [], namespaceSelector, objectSelector, matchPolicy } = match ?? {};
  return {
    rules: resourceRules,
    excluded: excludeResourceRules,
    equivalent: matchPolicy !== 'Exact',
    namespaceSelector: unlessEmpty(namespaceSelector),
    objectSelector: unlessEmpty(objectSelector),
  };
}

const names = ({ resourceNames }: NamedRuleWithOperations, name: string) =>
  !resourceNames?.length || resourceNames.includes(name);

/**
 * Whether a request is meant, and in which version it is to be looked at. Rejects with NotFound for a namespace that is
 * not there.
 */
export async function matchedForm(
  matcher: Matcher,
  attributes: AdmissionAttributes,
  reader: ObjectReader,
): Promise<ObjectForm | undefined> {
  const { forms, name, object } = attributes;
  if (!forms) return undefined;
  const namespace = namespaceOf(attributes);
  const { equivalent, excluded, rules } = matcher;
  const found = (among: readonly NamedRuleWithOperations[]) =>
    formFor({ equivalent, rules: among.filter((each) => names(each, name)) }, attributes, forms, namespace);
  if (excluded.length > 0 && found(excluded)) return undefined;
  if (!(await selectorsMatch(matcher, attributes, object, reader))) return undefined;
  return rules.length === 0 ? forms[0] : found(rules);
}

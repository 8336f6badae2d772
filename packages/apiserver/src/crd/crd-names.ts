import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '@keelson/core';
import { conditionOf, type Finding, finding } from './crd-conditions.ts';

export interface NamesDecision {
  readonly accepted: CustomResourceDefinitionNames;
  readonly findings: readonly Finding[];
}

/**
 * Which of a definition's names are free, given what others of its group have been granted: each that is taken stays
 * what it was granted as before. The last conflict is the one that is told.
 */
export function decideNames(
  definition: CustomResourceDefinition,
  others: readonly CustomResourceDefinitionNames[],
): NamesDecision {
  const words = new Set<string>();
  const kinds = new Set<string>();
  const before = definition.status?.acceptedNames;
  // What it was granted itself it may not want once more, as another name.
  for (const { plural, singular, shortNames, kind, listKind } of before ? [...others, before] : others) {
    for (const each of [plural, singular, ...(shortNames ?? [])]) if (each) words.add(each);
    for (const each of [kind, listKind]) if (each) kinds.add(each);
  }
  const { names } = definition.spec;
  let conflict: Finding | undefined;
  const grant = (wanted: string | undefined, old: string | undefined, taken: ReadonlySet<string>, reason: string) => {
    if (wanted === undefined || wanted === old || !taken.has(wanted)) return wanted;
    conflict = finding('NamesAccepted', 'False', reason, `${JSON.stringify(wanted)} is already in use`);
    return old;
  };
  const plural = grant(names.plural, before?.plural, words, 'PluralConflict') ?? '';
  const singular = grant(names.singular, before?.singular, words, 'SingularConflict');
  const old = new Set(before?.shortNames);
  const taken = (names.shortNames ?? []).filter((each) => !old.has(each) && words.has(each));
  if (taken.length > 0) {
    const each = taken.map((name) => `${JSON.stringify(name)} is already in use`);
    const message = each.length === 1 ? (each[0] ?? '') : `[${each.join(', ')}]`;
    conflict = finding('NamesAccepted', 'False', 'ShortNamesConflict', message);
  }
  const shortNames = taken.length > 0 ? before?.shortNames : names.shortNames;
  const kind = grant(names.kind, before?.kind, kinds, 'KindConflict') ?? '';
  const listKind = grant(names.listKind, before?.listKind, kinds, 'ListKindConflict');
  const accepted: CustomResourceDefinitionNames = {
    plural,
    ...(singular && { singular }),
    ...(shortNames?.length && { shortNames }),
    kind,
    ...(listKind && { listKind }),
    ...(names.categories?.length && { categories: names.categories }),
  };
  return {
    accepted,
    findings: [
      conflict ?? finding('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found'),
      establishedFinding(definition, conflict === undefined),
    ],
  };
}

/** Once established stays so; before that it depends on the names. */
function establishedFinding(definition: CustomResourceDefinition, free: boolean): Finding {
  const old = conditionOf(definition, 'Established');
  if (old?.status !== 'True' && free) {
    return finding('Established', 'False', 'Installing', 'the initial names have been accepted');
  }
  if (!old) return finding('Established', 'False', 'NotAccepted', 'not all names are accepted');
  const { lastTransitionTime: _since, ...found } = old;
  return found;
}

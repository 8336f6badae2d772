import type { LabelSelector } from '../api/index.ts';
import { type LabelOperator, type LabelRequirement, type Labels, requirementMatches } from './label-requirement.ts';
import { formatRequirements, SelectorError } from './label-selector-text.ts';

const operators: ReadonlyMap<string, LabelOperator> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
]);

/** A `LabelSelector` object as conditions, sorted by key. Throws `SelectorError` for an unknown operator. */
export function labelRequirements(selector: LabelSelector): readonly LabelRequirement[] {
  const requirements: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }));
  for (const { key, operator: name, values = [] } of selector.matchExpressions ?? []) {
    const operator = operators.get(name);
    if (!operator) throw new SelectorError(`"${name}" is not a valid label selector operator`);
    requirements.push({ key, operator, values: [...values].sort() });
  }
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** Whether a `LabelSelector` object selects these labels: an empty one everything, an absent one nothing. */
export function labelSelectorMatches(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (!selector) return false;
  const present = labels ?? {};
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    if (!Object.hasOwn(present, key) || present[key] !== value) return false;
  }
  return (
    !selector.matchExpressions?.length ||
    matchesLabels(labelRequirements({ matchExpressions: selector.matchExpressions }), present)
  );
}

/** Whether labels satisfy parsed conditions, or hold every pair of a map (as a Service's selector is meant). */
export function matchesLabels(selector: readonly LabelRequirement[] | Labels, labels: Labels | undefined): boolean {
  const present = labels ?? {};
  if (isRequirements(selector)) return selector.every((each) => requirementMatches(each, present));
  return Object.entries(selector).every(([key, value]) => Object.hasOwn(present, key) && present[key] === value);
}

/** kubectl's form, sorted by key; `''` for a selector that selects everything. */
export function formatLabelSelector(selector: LabelSelector | readonly LabelRequirement[]): string {
  return formatRequirements('map' in selector ? selector : labelRequirements(selector));
}

function isRequirements(selector: readonly LabelRequirement[] | Labels): selector is readonly LabelRequirement[] {
  return Array.isArray(selector);
}

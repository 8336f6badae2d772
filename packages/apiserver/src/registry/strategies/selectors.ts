import { type LabelSelector, labelSelectorMatches, type PodTemplateSpec, validateLabelSelector } from '@keelson/core';

export const isEmptySelector = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector) =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;

/** Whether a selector can be evaluated at all. */
export const isReadable = (selector: LabelSelector) => validateLabelSelector(selector, '').length === 0;

/** No selector matches nothing; an empty one, everything. Only for readable selectors. */
export function selectsTemplate(
  selector: LabelSelector | null | undefined,
  template: PodTemplateSpec | undefined,
): boolean {
  return !!selector && labelSelectorMatches(selector, template?.metadata?.labels);
}

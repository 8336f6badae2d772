import { mayKubeletSetLabel } from '@keelson/core';

type Labels = Readonly<Record<string, string>>;

/** Which of the labels that are set, changed or taken away a kubelet may not touch, in their order. */
export function forbiddenLabels(next: Labels | undefined, old: Labels | undefined): readonly string[] {
  const touched = new Set([...Object.keys(next ?? {}), ...Object.keys(old ?? {})]);
  return [...touched].filter((key) => next?.[key] !== old?.[key] && !mayKubeletSetLabel(key)).sort();
}

import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '@keelson/core';
import { byPriority } from '../registry/catalog.ts';

/**
 * The warning that goes with every answer about a version that will not stay: its own words, or which version to use
 * instead, if one that ranks before it stays (kubernetes.io, "CustomResourceDefinition versioning").
 */
export function deprecationText(
  { group, names, versions }: CustomResourceDefinition['spec'],
  { name, deprecated, deprecationWarning }: CustomResourceDefinitionVersion,
): string | undefined {
  if (deprecated !== true) return undefined;
  if (deprecationWarning !== undefined) return deprecationWarning;
  const text = `${group}/${name} ${names.kind} is deprecated`;
  const [best] = versions
    .filter((each) => each.served && each.deprecated !== true)
    .map((each) => each.name)
    .sort(byPriority);
  return best !== undefined && byPriority(best, name) < 0 ? `${text}; use ${group}/${best} ${names.kind}` : text;
}

import type { KubernetesObject, Pod } from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';
import { keptMetadata } from './kept-metadata.ts';

const lists = ['containers', 'initContainers'] as const;

/**
 * pods/resize (KEP-1287): resources of containers, and how they are resized; what may become of them the strategy says.
 * Containers that came, went or changed places are kept as they are asked for, so that it can refuse them.
 */
export function keepResources(wanted: ObjectDraft, old: KubernetesObject): ObjectDraft {
  // The kind is that of the subresource: both have been decoded by its schema.
  const next = wanted as Draft<Pod>;
  const before = structuredClone(old) as Draft<Pod>;
  for (const list of lists) {
    const names = (each: Draft<Pod>) => (each.spec[list] ?? []).map(({ name }) => name).join();
    if (names(next) !== names(before)) {
      const asked = next.spec[list];
      if (asked) before.spec[list] = asked;
      else delete before.spec[list];
      continue;
    }
    for (const [index, container] of (before.spec[list] ?? []).entries()) {
      const asked = next.spec[list]?.[index];
      if (!asked) continue;
      container.resources = asked.resources ?? {};
      if (asked.resizePolicy) container.resizePolicy = asked.resizePolicy;
      else delete container.resizePolicy;
    }
  }
  before.metadata = keptMetadata(wanted, before.metadata);
  return before;
}

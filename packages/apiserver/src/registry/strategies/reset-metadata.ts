import type { KubernetesObject, ObjectMeta } from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';

/** Metadata that some kinds' status leaves as it is, whatever is sent; the rest is looked at as in any other write. */
const kept = [
  'deletionTimestamp',
  'generation',
  'selfLink',
  'labels',
  'annotations',
  'finalizers',
  'ownerReferences',
] as const satisfies readonly (keyof ObjectMeta)[];

/** Puts back what a write of the status may not touch, for the kinds that keep it. */
export function resetMetadata(object: { metadata: ObjectDraft['metadata'] }, old: KubernetesObject): void {
  const before = old.metadata as Draft<KubernetesObject>['metadata'];
  const metadata = { ...object.metadata };
  for (const field of kept) delete metadata[field];
  object.metadata = {
    ...metadata,
    ...Object.fromEntries(kept.flatMap((field) => (before[field] === undefined ? [] : [[field, before[field]]]))),
  };
}

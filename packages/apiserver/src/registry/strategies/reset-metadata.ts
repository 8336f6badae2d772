import type { KubernetesObject } from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';

/** Kinds whose status can be written without touching anything of the metadata but the owners of fields. */
export function resetMetadata(object: { metadata: ObjectDraft['metadata'] }, old: KubernetesObject): void {
  const { managedFields, resourceVersion } = object.metadata;
  object.metadata = { ...(old.metadata as Draft<KubernetesObject>['metadata']), managedFields, resourceVersion };
  if (managedFields === undefined) delete object.metadata.managedFields;
}

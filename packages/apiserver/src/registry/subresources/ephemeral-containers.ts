import type { KubernetesObject, Pod } from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';
import { keptMetadata } from './kept-metadata.ts';

/** pods/ephemeralcontainers (KEP-277): these containers alone; what may become of them the strategy says. */
export function keepEphemeral(wanted: ObjectDraft, old: KubernetesObject): ObjectDraft {
  // The kind is that of the subresource: both have been decoded by its schema.
  const asked = (wanted as Draft<Pod>).spec.ephemeralContainers;
  const before = structuredClone(old) as Draft<Pod>;
  if (asked) before.spec.ephemeralContainers = asked;
  else delete before.spec.ephemeralContainers;
  before.metadata = keptMetadata(wanted, before.metadata);
  return before;
}

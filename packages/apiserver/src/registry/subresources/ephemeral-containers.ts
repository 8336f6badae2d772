import { deepEqual, type KubernetesObject, type Pod, StatusError } from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';

/** pods/ephemeralcontainers (KEP-277): containers may be added, and nothing else. */
export function keepEphemeral(wanted: ObjectDraft, old: KubernetesObject): ObjectDraft {
  // The kind is that of the subresource: both have been decoded by its schema.
  const next = wanted as Draft<Pod>;
  const before = structuredClone(old) as Draft<Pod>;
  const added = next.spec.ephemeralContainers ?? [];
  const messages = (before.spec.ephemeralContainers ?? []).flatMap((each) => {
    const now = added.find(({ name }) => name === each.name);
    if (now === undefined) return [`existing ephemeral containers "${each.name}" may not be removed\n`];
    return deepEqual(now, each) ? [] : [`existing ephemeral containers "${each.name}" may not be changed`];
  });
  if (messages.length > 0) {
    throw StatusError.invalid(
      { group: '', resource: 'Pod' },
      old.metadata.name,
      messages.map((message) => ({
        type: 'FieldValueForbidden',
        field: 'spec.ephemeralContainers',
        message: `Forbidden: ${message}`,
      })),
    );
  }
  before.spec.ephemeralContainers = added;
  before.metadata.resourceVersion = wanted.metadata.resourceVersion;
  return before;
}

import type { KubernetesObject } from '@keelson/core';
import { asJson, draftJson, type ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';

/** What of the metadata may come along with a write of the status; each kind as a real v1.35 was seen to do. */
type MetadataWithStatus = 'all' | 'none' | readonly (keyof ObjectDraft['metadata'])[];

/** What most of those keep that keep something. */
const own = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;
const ownAndServer = [...own, 'deletionTimestamp', 'generation', 'selfLink'] as const;

const byResource: Readonly<Record<string, MetadataWithStatus>> = {
  '/pods': ['ownerReferences', 'deletionTimestamp'],
  'apps/deployments': ['labels'],
  'storage.k8s.io/volumeattachments': ownAndServer,
  'apiregistration.k8s.io/apiservices': own,
  'flowcontrol.apiserver.k8s.io/flowschemas': 'none',
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': 'none',
  'admissionregistration.k8s.io/validatingadmissionpolicies': ownAndServer,
  'internal.apiserver.k8s.io/storageversions': ownAndServer,
  'networking.k8s.io/servicecidrs': ownAndServer,
  'resource.k8s.io/resourceclaims': ownAndServer,
  'resource.k8s.io/devicetaintrules': ownAndServer,
};

/** A write of the status leaves the rest alone, and the other way round. */
export function keepOtherPart(kind: Kind, draft: ObjectDraft, old: KubernetesObject, part: 'main' | 'status'): void {
  if (!kind.hasStatus) return;
  const json = draftJson(draft);
  const from = asJson(old);
  if (part === 'main') {
    if (kind.strategy.keepsStatusOnUpdate) return;
    if (from['status'] === undefined) delete json['status'];
    else json['status'] = from['status'];
    return;
  }
  for (const field of Object.keys(json)) if (!ofStatus.has(field) && !(field in from)) delete json[field];
  for (const [field, value] of Object.entries(from)) if (!ofStatus.has(field)) json[field] = value;
  keepMetadata(kind, draft, old);
}

export const ofStatus: ReadonlySet<string> = new Set(['status', 'metadata', 'kind', 'apiVersion']);

function keepMetadata({ served }: Kind, draft: ObjectDraft, old: KubernetesObject): void {
  const { metadata } = draft;
  const from = old.metadata as ObjectDraft['metadata'];
  const rule = served.custom ? 'none' : (byResource[`${served.group}/${served.resource}`] ?? 'all');
  if (rule === 'none') {
    const { managedFields } = metadata;
    draft.metadata = { ...from };
    if (managedFields === undefined) delete draft.metadata.managedFields;
    else draft.metadata.managedFields = managedFields;
  } else if (rule !== 'all') for (const field of rule) keepField(metadata, from, field);
}

function keepField<Field extends keyof ObjectDraft['metadata']>(
  metadata: ObjectDraft['metadata'],
  from: ObjectDraft['metadata'],
  field: Field,
): void {
  if (from[field] === undefined) delete metadata[field];
  else metadata[field] = from[field];
}

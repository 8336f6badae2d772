import type { KubernetesObject } from '@keelson/core';
import { asJson, draftJson, type ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';

/** What of the metadata may come along with a write of the status; each kind as a real v1.35 was seen to do. */
type MetadataWithStatus = 'all' | 'none' | 'but labels' | 'but owners';

const byResource: Readonly<Record<string, MetadataWithStatus>> = {
  '/pods': 'but owners',
  'apps/deployments': 'but labels',
  'storage.k8s.io/volumeattachments': 'none',
  'apiregistration.k8s.io/apiservices': 'none',
  'flowcontrol.apiserver.k8s.io/flowschemas': 'none',
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': 'none',
  'admissionregistration.k8s.io/validatingadmissionpolicies': 'none',
  'internal.apiserver.k8s.io/storageversions': 'none',
  'networking.k8s.io/servicecidrs': 'none',
  'resource.k8s.io/resourceclaims': 'none',
  'resource.k8s.io/devicetaintrules': 'none',
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
  } else if (rule === 'but labels') keepField(metadata, from, 'labels');
  else if (rule === 'but owners') keepField(metadata, from, 'ownerReferences');
}

function keepField<Field extends 'labels' | 'ownerReferences'>(
  metadata: ObjectDraft['metadata'],
  from: ObjectDraft['metadata'],
  field: Field,
): void {
  if (from[field] === undefined) delete metadata[field];
  else metadata[field] = from[field];
}

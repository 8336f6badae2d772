import type { Kind } from '../kind.ts';
import { type FieldSet, fieldSetOf, noFields } from './field-set.ts';

/**
 * Fields that a write cannot change, and so does not come to own: the status by way of the object itself, all else by
 * way of the status. Each kind is as a real v1.35 was seen to be; the table holds those that are not as most.
 */
export function resetFieldsOf(kind: Kind, subresource: string): FieldSet {
  const { group, resource } = kind.served;
  const own = byResource[`${group}/${resource}`];
  if (subresource === '') return own?.main ?? (kind.hasStatus ? status : noFields);
  if (subresource === 'status') return own?.status ?? spec;
  return own?.others?.[subresource] ?? noFields;
}

const path = (text: string) => text.split('.').map((each) => `f:${each}`);
const fields = (...paths: readonly string[]) => fieldSetOf(...paths.map(path));

const spec = fields('spec');
const status = fields('status');
const specAndMetadata = fields('spec', 'metadata');

interface Reset {
  readonly main?: FieldSet;
  readonly status?: FieldSet;
  readonly others?: Readonly<Record<string, FieldSet>>;
}

const byResource: Readonly<Record<string, Reset>> = {
  '/pods': { status: fields('spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences') },
  '/namespaces': { others: { finalize: status } },
  'apps/deployments': { status: fields('spec', 'metadata.labels') },
  'storage.k8s.io/volumeattachments': { status: specAndMetadata },
  'apiextensions.k8s.io/customresourcedefinitions': { status: specAndMetadata },
  'apiregistration.k8s.io/apiservices': { status: specAndMetadata },
  'flowcontrol.apiserver.k8s.io/flowschemas': { status: specAndMetadata },
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': { status: specAndMetadata },
  'admissionregistration.k8s.io/validatingadmissionpolicies': { status: specAndMetadata },
  'internal.apiserver.k8s.io/storageversions': { status: specAndMetadata },
  'resource.k8s.io/resourceclaims': { status: specAndMetadata },
  'resource.k8s.io/devicetaintrules': { status: specAndMetadata },
  'networking.k8s.io/servicecidrs': { main: noFields, status: noFields },
  'certificates.k8s.io/certificatesigningrequests': {
    main: fields('spec', 'status'),
    status: fields('spec', 'status.conditions'),
    others: { approval: fields('spec', 'status.certificate') },
  },
};

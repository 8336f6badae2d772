import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';
import type { ReviewVersion, ShownObjects } from './contract.ts';

/** The namespace of a request; of a Namespace its own name, as Kubernetes has it in admission. */
export function namespaceOf({ group, resource, namespace, name }: AdmissionAttributes): string {
  return group === '' && resource === 'namespaces' ? name : (namespace ?? '');
}

/** JSON of the objects, made once for all webhooks that are shown the same. */
export interface ShownJson {
  readonly object: string;
  readonly oldObject: string;
}

export function shownJson({ object, oldObject }: ShownObjects, operation: AdmissionAttributes['operation']): ShownJson {
  const json = (value: object | undefined) => (value === undefined ? 'null' : JSON.stringify(value));
  // The options of a connection are no object: they have no metadata.
  const { metadata: _metadata, ...options } = object ?? { metadata: undefined };
  return { object: json(operation === 'CONNECT' ? options : object), oldObject: json(oldObject) };
}

/** The body of a request to a webhook: an AdmissionReview of `admission.k8s.io`, members in Kubernetes' order. */
export function reviewBody(
  version: ReviewVersion,
  uid: string,
  attributes: AdmissionAttributes,
  form: ObjectForm,
  shown: ShownJson,
): string {
  const { dryRun, options, ...rest } = reviewRequest(attributes, form);
  const head = JSON.stringify({ uid, ...rest }).slice(1, -1);
  const request = `{${head},"object":${shown.object},"oldObject":${shown.oldObject},"dryRun":${dryRun},"options":${JSON.stringify(options)}}`;
  return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/${version}","request":${request}}`;
}

/** What a request is about, but for its objects; members in Kubernetes' order, empty ones left out. */
export function reviewRequest(attributes: AdmissionAttributes, form: ObjectForm) {
  const { subresource, name, operation, user, dryRun } = attributes;
  const [requested = form] = attributes.forms ?? [];
  const namespace = namespaceOf(attributes);
  return {
    kind: kindIn(form),
    resource: resourceIn(form),
    ...(subresource && { subResource: subresource }),
    requestKind: kindIn(requested),
    requestResource: resourceIn(requested),
    ...(subresource && { requestSubResource: subresource }),
    ...(name !== '' && { name }),
    ...(namespace !== '' && { namespace }),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid && { uid: user.uid }),
      ...(user.groups.length > 0 && { groups: user.groups }),
      ...(user.extra && Object.keys(user.extra).length > 0 && { extra: user.extra }),
    },
    dryRun,
    options: operationOptions(attributes),
  };
}

const kindIn = ({ kind: { group, version, kind } }: ObjectForm) => ({ group, version, kind });
const resourceIn = ({ resource: { group, version, resource } }: ObjectForm) => ({ group, version, resource });

const written = ['dryRun', 'fieldManager', 'fieldValidation'] as const;
const optionsOf: Readonly<
  Record<AdmissionAttributes['operation'], readonly [kind: string, fields: readonly string[]] | undefined>
> = {
  CREATE: ['CreateOptions', written],
  UPDATE: ['UpdateOptions', written],
  DELETE: ['DeleteOptions', ['gracePeriodSeconds', 'preconditions', 'orphanDependents', 'propagationPolicy', 'dryRun']],
  CONNECT: undefined,
};

/** The options of a request as `meta.k8s.io/v1` has them: patches count as updates. Null where there are none. */
export function operationOptions({ operation, options }: AdmissionAttributes): Record<string, unknown> | null {
  const [kind, fields] = optionsOf[operation] ?? [];
  if (!kind) return null;
  const result: Record<string, unknown> = { kind, apiVersion: 'meta.k8s.io/v1' };
  for (const field of fields ?? []) {
    const value = options[field];
    const empty = value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
    if (!empty) result[field] = value;
  }
  return result;
}

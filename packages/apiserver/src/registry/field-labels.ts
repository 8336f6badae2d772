import type { KubernetesObject } from '@keelson/core';
import { asJson, isObject } from './draft.ts';

/** Fields beyond metadata.name and metadata.namespace by which objects of a kind are selected (same names as in the API). */
const byResource: Readonly<Record<string, readonly string[]>> = {
  'core/pods': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    // Taken, and of no value: no object has it.
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  'core/events': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  'core/secrets': ['type'],
  'core/namespaces': ['status.phase'],
  'core/nodes': ['spec.unschedulable'],
  'core/replicationcontrollers': ['status.replicas'],
  'core/services': ['spec.clusterIP', 'spec.type'],
  'batch/jobs': ['status.successful'],
  'certificates.k8s.io/certificatesigningrequests': ['spec.signerName'],
  'resource.k8s.io/resourceslices': ['spec.nodeName', 'spec.driver'],
};

/** What the API calls the field, where that is not where it stands; and what an absent value means. */
const elsewhere: Readonly<Record<string, string>> = {
  'batch/jobs status.successful': 'status.succeeded',
};
/** Events are stored as the core group has them; their own group selects them by its own names. */
const eventsGroupLabels: ReadonlyMap<string, string> = new Map([
  ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
    (each) => [`regarding.${each}`, `involvedObject.${each}`] as const,
  ),
  ['reason', 'reason'],
  ['reportingController', 'reportingComponent'],
  ['type', 'type'],
]);

const whenAbsent: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    'spec.hostNetwork': 'false',
    'spec.unschedulable': 'false',
    'status.replicas': '0',
    'status.successful': '0',
  }),
);

const always = ['metadata.name', 'metadata.namespace'];

/** Kinds whose own rule leaves out the namespace that others know even where they have none. */
const withoutNamespace = new Set([
  'core/namespaces',
  'core/nodes',
  'certificates.k8s.io/certificatesigningrequests',
  'resource.k8s.io/resourceslices',
]);

/** The fields by which a kind can be selected; undefined for one that it does not know. */
export type FieldsOf = (object: KubernetesObject, field: string) => string | undefined;

export interface FieldLabels {
  readonly supported: ReadonlySet<string>;
  readonly fieldsOf: FieldsOf;
  /** What is said of a field by which the kind cannot be selected. */
  refusal(field: string): string;
}

/**
 * The two fields of metadata, and those that the kind itself offers. `extra` are a CRD's selectableFields; a built-in
 * kind has none, but an API version for its refusals.
 */
export function fieldLabels(
  kind: string,
  { extra, apiVersion = '' }: { readonly extra?: readonly string[]; readonly apiVersion?: string },
): FieldLabels {
  const ofEvents = kind === 'core/events' && apiVersion.startsWith('events.k8s.io/');
  const own = ofEvents ? [...eventsGroupLabels.keys()] : [...(byResource[kind] ?? []), ...(extra ?? [])];
  const stored = (field: string) =>
    ofEvents ? (eventsGroupLabels.get(field) ?? field) : (elsewhere[`${kind} ${field}`] ?? field);
  const paths = new Map(own.map((each) => [each, stored(each).split('.')]));
  return {
    supported: new Set([...(withoutNamespace.has(kind) ? ['metadata.name'] : always), ...own]),
    fieldsOf: (object, field) => {
      if (field === 'metadata.name') return object.metadata.name;
      if (field === 'metadata.namespace') return object.metadata.namespace;
      if (kind === 'core/events' && field === 'source') return eventSource(object);
      const path = paths.get(field);
      return path === undefined ? undefined : (textAt(object, path) ?? whenAbsent.get(field));
    },
    refusal: (field) => {
      if (kind === 'batch/jobs') return `field label ${JSON.stringify(field)} not supported for Job`;
      if (kind === 'resource.k8s.io/resourceslices') {
        return `field label not supported for ${apiVersion}, Kind=ResourceSlice: ${field}`;
      }
      if (kind in byResource || extra) return `field label not supported: ${field}`;
      return `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
    },
  };
}

function textAt(object: KubernetesObject, path: readonly string[]): string | undefined {
  let at: unknown = asJson(object);
  for (const name of path) {
    if (!isObject(at)) return undefined;
    at = at[name];
  }
  return typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean' ? String(at) : undefined;
}

function eventSource(object: KubernetesObject): string {
  return textAt(object, ['source', 'component']) ?? textAt(object, ['reportingComponent']) ?? '';
}

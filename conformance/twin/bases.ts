import type { Json, JsonObject } from './json.ts';
import type { Kind } from './kinds.ts';

const labels = { app: 'x' };
const selector = { matchLabels: labels };
const podSpec = { containers: [{ name: 'c', image: 'example.com/image:1' }] };
const template = { metadata: { labels }, spec: podSpec };
const jobTemplate = { spec: { ...podSpec, restartPolicy: 'Never' } };
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const role = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
// They match nothing that exists: what is made here must not act on other cases.
const harmless = [
  { apiGroups: ['twin.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] },
];
const matchConstraints = { resourceRules: harmless };
const webhook = {
  name: 'w.example.com',
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  clientConfig: { url: 'https://example.com/hook' },
  rules: harmless,
};
const mutation = {
  patchType: 'JSONPatch',
  jsonPatch: { expression: '[JSONPatch{op: "add", path: "/x", value: "y"}]' },
};
const mutatingPolicy = {
  spec: { matchConstraints, mutations: [mutation], failurePolicy: 'Ignore', reinvocationPolicy: 'Never' },
};
const requests = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'class.example.com' } }] } };
const requestsBeta1 = { devices: { requests: [{ name: 'r', deviceClassName: 'class.example.com' }] } };
const slice = { driver: 'd.example.com', nodeName: 'n', pool: { name: 'p', resourceSliceCount: 1 } };
const subject = { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'u-{{id}}' };
const event = { reason: 'R', type: 'Normal' };

// A request for CN=twin, of a key that nobody has.
const certificateRequest =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISk1IRUNBUUF3RHpFTk1Bc0dBMVVFQXd3RWRIZHBiakJaTUJN' +
  'R0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSApBMElBQklGUmhqc0FMNnJGbWYrenhxSUptUkpYREw1d3dLZDQ5UUlSNnNnNzNRZVZv' +
  'NlpSNUVzbWk2V3VQSnM4CmtudU1CdFlvZkw3cUdLSEdvNTR5S2ZIb0JSV2dBREFLQmdncWhrak9QUVFEQWdOSUFEQkZBaUJVOVZO' +
  'T21JZlYKVVN6TkFLb0hwM2wwZnRwZ2tHNXhPSWd4TVlTb2MrTmV2d0loQUozbDdRK05MWi8zWUFkMUJvQnN0Z2kvK2JQdAorN3E0' +
  'djhhL0ZnK2k5azRGCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=';

/** The least that a valid object of each kind holds, but for its metadata; by `resource.group`, or with the version. */
const bases: Readonly<Record<string, JsonObject>> = {
  configmaps: { data: { a: 'b' } },
  endpoints: { subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }] },
  events: { involvedObject: { kind: 'Pod', name: 'p', namespace: '{{ns}}', apiVersion: 'v1' }, ...event },
  limitranges: { spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] } },
  namespaces: {},
  nodes: {},
  persistentvolumeclaims: { spec: claimSpec },
  persistentvolumes: {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp/x' } },
  },
  pods: { spec: podSpec },
  podtemplates: { template },
  replicationcontrollers: { spec: { replicas: 1, selector: labels, template } },
  resourcequotas: { spec: { hard: { 'count/twins.example.com': '5' } } },
  secrets: { data: { a: 'Yg==' } },
  serviceaccounts: {},
  services: { spec: { selector: labels, ports: [{ port: 80 }] } },
  bindings: { target: { kind: 'Node', name: 'n' } },
  'apiservices.apiregistration.k8s.io': {
    spec: {
      group: '{{id}}.example.com',
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 10,
      insecureSkipTLSVerify: true,
      service: { name: 's', namespace: 'default' },
    },
  },
  'controllerrevisions.apps': { revision: 1, data: { a: 1 } },
  'daemonsets.apps': { spec: { selector, template } },
  'deployments.apps': { spec: { selector, template } },
  'replicasets.apps': { spec: { selector, template } },
  'statefulsets.apps': { spec: { serviceName: 's', selector, template } },
  'events.events.k8s.io': {
    eventTime: '2026-01-02T03:04:05.000000Z',
    reportingController: 'example.com/c',
    reportingInstance: 'i',
    action: 'A',
    regarding: { kind: 'Pod', name: 'p', namespace: '{{ns}}', apiVersion: 'v1' },
    ...event,
  },
  'selfsubjectreviews.authentication.k8s.io': {},
  'tokenreviews.authentication.k8s.io': { spec: { token: 'x' } },
  'localsubjectaccessreviews.authorization.k8s.io': {
    spec: { user: 'u-{{id}}', resourceAttributes: { namespace: '{{ns}}', verb: 'get', resource: 'pods' } },
  },
  'selfsubjectaccessreviews.authorization.k8s.io': { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } },
  'selfsubjectrulesreviews.authorization.k8s.io': { spec: { namespace: '{{ns}}' } },
  'subjectaccessreviews.authorization.k8s.io': {
    spec: { user: 'u-{{id}}', resourceAttributes: { verb: 'get', resource: 'pods' } },
  },
  'horizontalpodautoscalers.autoscaling': {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
  },
  'cronjobs.batch': { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: jobTemplate } } } },
  'jobs.batch': { spec: { template: jobTemplate } },
  'certificatesigningrequests.certificates.k8s.io': {
    spec: { signerName: 'example.com/signer', usages: ['client auth'], request: certificateRequest },
  },
  'ingressclasses.networking.k8s.io': { spec: { controller: 'example.com/c' } },
  'ingresses.networking.k8s.io': { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
  'ipaddresses.networking.k8s.io': { spec: { parentRef: { resource: 'services', namespace: '{{ns}}', name: 's' } } },
  'networkpolicies.networking.k8s.io': { spec: { podSelector: selector } },
  'servicecidrs.networking.k8s.io': { spec: { cidrs: ['{{net}}/112'] } },
  'poddisruptionbudgets.policy': { spec: { minAvailable: 1, selector } },
  'clusterrolebindings.rbac.authorization.k8s.io': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [subject],
  },
  'clusterroles.rbac.authorization.k8s.io': { rules: role },
  'rolebindings.rbac.authorization.k8s.io': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [subject],
  },
  'roles.rbac.authorization.k8s.io': { rules: role },
  'csidrivers.storage.k8s.io': { spec: {} },
  'csinodes.storage.k8s.io': { spec: { drivers: [{ name: 'd.example.com', nodeID: 'n' }] } },
  'csistoragecapacities.storage.k8s.io': { storageClassName: 's' },
  'storageclasses.storage.k8s.io': { provisioner: 'p.example.com' },
  'volumeattachments.storage.k8s.io': {
    spec: { attacher: 'a.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } },
  },
  'volumeattributesclasses.storage.k8s.io': { driverName: 'd.example.com', parameters: { a: 'b' } },
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': { webhooks: [webhook] },
  'validatingwebhookconfigurations.admissionregistration.k8s.io': { webhooks: [webhook] },
  'validatingadmissionpolicies.admissionregistration.k8s.io': {
    spec: { matchConstraints, validations: [{ expression: 'true' }], failurePolicy: 'Ignore' },
  },
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': {
    spec: { policyName: '{{id}}', validationActions: ['Audit'], matchResources: matchConstraints },
  },
  'mutatingadmissionpolicies.admissionregistration.k8s.io': mutatingPolicy,
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': {
    spec: { policyName: '{{id}}', matchResources: matchConstraints },
  },
  'customresourcedefinitions.apiextensions.k8s.io': {
    spec: {
      group: '{{id}}.example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
  'priorityclasses.scheduling.k8s.io': { value: 100 },
  'leases.coordination.k8s.io': { spec: {} },
  'leasecandidates.coordination.k8s.io': {
    spec: { leaseName: 'l', binaryVersion: '1.35.0', strategy: 'OldestEmulationVersion', emulationVersion: '1.35.0' },
  },
  'runtimeclasses.node.k8s.io': { handler: 'h' },
  'endpointslices.discovery.k8s.io': { addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'] }] },
  'deviceclasses.resource.k8s.io': { spec: {} },
  'resourceclaims.resource.k8s.io': { spec: requests },
  'resourceclaims.resource.k8s.io/v1beta1': { spec: requestsBeta1 },
  'resourceclaimtemplates.resource.k8s.io': { spec: { spec: requests } },
  'resourceclaimtemplates.resource.k8s.io/v1beta1': { spec: { spec: requestsBeta1 } },
  'resourceslices.resource.k8s.io': { spec: { ...slice, devices: [{ name: 'd' }] } },
  'resourceslices.resource.k8s.io/v1beta1': { spec: { ...slice, devices: [{ name: 'd', basic: {} }] } },
  'devicetaintrules.resource.k8s.io': { spec: { taint: { key: 'a.example.com/t', effect: 'NoSchedule' } } },
  'flowschemas.flowcontrol.apiserver.k8s.io': {
    spec: { matchingPrecedence: 9999, priorityLevelConfiguration: { name: 'workload-low' } },
  },
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': {
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } },
  },
  'storageversions.internal.apiserver.k8s.io': { spec: {} },
};

/** The least valid object of a kind, complete but for `metadata`. */
export function baseOf(kind: Kind): JsonObject | undefined {
  const base = bases[kind.id] ?? bases[kind.id.split('/')[0] ?? ''];
  return base && { apiVersion: kind.apiVersion, kind: kind.kind, ...structuredClone(base) };
}

/** A name that is valid for the kind and only this case's; `suffix` tells several apart. */
export function nameOf(kind: Kind, suffix = 'a'): string {
  switch (kind.resource) {
    case 'apiservices':
      return 'v1.{{id}}.example.com';
    case 'customresourcedefinitions':
      return 'things.{{id}}.example.com';
    case 'ipaddresses':
      return '{{ip}}';
    case 'storageversions':
      return `{{id}}.example.com.${suffix}`;
    default:
      return `{{id}}-${suffix}`;
  }
}

/** Whether several objects of the kind can be made in one case, by name alone. */
export const severalNames = (kind: Kind): boolean =>
  !['apiservices', 'customresourcedefinitions', 'ipaddresses'].includes(kind.resource);

export function objectOf(kind: Kind, suffix = 'a', more: JsonObject = {}): JsonObject | undefined {
  const base = baseOf(kind);
  if (!base) return undefined;
  const metadata: Json = {
    name: nameOf(kind, suffix),
    ...(kind.namespaced && { namespace: '{{ns}}' }),
    labels: { twin: '{{id}}' },
    ...more,
  };
  const { apiVersion, kind: name, ...rest } = base;
  // Reviews are not stored and need no name.
  if (!kind.verbs.includes('get') && kind.resource !== 'bindings') return base;
  return { apiVersion: apiVersion ?? '', kind: name ?? '', metadata, ...rest };
}

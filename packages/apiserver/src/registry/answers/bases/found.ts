import type { Base } from '../base.ts';

const own = (version: string) => `/apis/resource.k8s.io/${version}/namespaces/default`;
const exactly = { deviceClassName: 'c' };
const matchConstraints = {
  resourceRules: [{ apiGroups: ['a.io'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }],
};
const opaque = { driver: 'd.io', parameters: {} };

/** Questions that came up where generated requests were answered otherwise: only these, not those of every place. */
export const foundBases: readonly Base[] = [
  {
    path: `${own('v1')}/resourceclaims`,
    only: true,
    updates: true,
    body: {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      metadata: { name: 'claim-in-order' },
      spec: { devices: { requests: [{ name: 'r', exactly }] } },
    },
    more: [
      ['/spec/devices/constraints', [{ matchAttribute: 'd.io/x', distinctAttribute: 'x', requests: ['X', 'X'] }]],
      ['/spec/devices/config', [{ requests: ['X', 'X'], opaque: { driver: 'UPPER', parameters: [] } }]],
      ['/spec/devices/requests/0/exactly', { ...exactly, capacity: { requests: { a: '1' } }, selectors: [{}] }],
      ['/spec/devices/requests/0/exactly', { adminAccess: true }],
    ],
    status: {},
    moreStatus: [
      [
        '/status',
        {
          reservedFor: [
            { resource: 'a', name: 'b', uid: 'c' },
            { resource: 'a', name: 'b', uid: 'c' },
          ],
        },
      ],
      [
        '/status',
        { allocation: { devices: { results: [{}, {}] }, nodeSelector: {} }, devices: [{}, { shareID: 'x' }] },
      ],
      [
        '/status',
        {
          allocation: {
            devices: { results: [{ request: 'r', driver: 'D', pool: 'p', device: 'd', adminAccess: true }] },
            nodeSelector: { nodeSelectorTerms: [{ matchFields: [{}] }] },
          },
          devices: [{ driver: 'D', pool: 'p', device: 'd', networkData: { ips: ['a', 'a'] } }],
        },
      ],
      ['/status', { allocation: { devices: { config: [{ requests: ['A', 'A'], opaque: {} }] } } }],
      [
        '/status/allocation',
        { devices: { results: [{ bindingConditions: ['a'], consumedCapacity: { a: '1' }, shareID: 'x' }] } },
      ],
      ['/status/allocation', { devices: { results: [{ tolerations: [{}] }] } }],
    ],
  },
  {
    path: `${own('v1beta1')}/resourceclaims`,
    only: true,
    body: {
      apiVersion: 'resource.k8s.io/v1beta1',
      kind: 'ResourceClaim',
      metadata: { name: 'claim-of-beta' },
      spec: { devices: { requests: [{ name: 'r', ...exactly }] } },
    },
    more: [
      ['/spec/devices/requests/0', { name: 'r', count: 2 }],
      ['/spec/devices/requests/0', { name: 'r', allocationMode: 'ExactCount' }],
      ['/spec/devices/requests/0', { name: 'r', adminAccess: false }],
      ['/spec/devices/requests/0', { name: 'r', capacity: {} }],
      ['/spec/devices/requests/0', { name: 'r', allocationMode: '' }],
    ],
  },
  {
    path: `${own('v1')}/resourceclaimtemplates`,
    only: true,
    updates: true,
    body: {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaimTemplate',
      metadata: { name: 'template-with-metadata' },
      spec: { spec: { devices: { requests: [{ name: 'r', exactly }] } } },
    },
    more: [
      ['/spec/metadata', { name: 'x', uid: 'u', generation: 5, finalizers: ['a'], labels: { 'a b': '' } }],
      ['/spec/spec/devices/requests/0/exactly/adminAccess', true],
      ['/spec/spec/devices/config', [{ requests: ['<&>'], opaque }]],
    ],
  },
  {
    path: '/apis/resource.k8s.io/v1/resourceslices',
    only: true,
    body: {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceSlice',
      metadata: { name: 'slice-in-order' },
      spec: { driver: 'd.io', allNodes: true, pool: { name: 'p', resourceSliceCount: 1 } },
    },
    more: [
      ['/spec', { driver: 'UPPER', nodeSelector: {}, pool: {} }],
      ['/spec', { driver: 'A'.repeat(70), perDeviceNodeSelection: true, pool: { name: 'UPPER/' } }],
    ],
  },
  {
    path: '/apis/networking.k8s.io/v1/servicecidrs',
    only: true,
    updates: true,
    body: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'one-range' },
      spec: { cidrs: ['192.168.0.0/24'] },
    },
    moreUpdates: [
      ['/spec/cidrs', ['192.168.0.0/24', 'x']],
      ['/spec/cidrs', ['192.168.0.0/24', '192.168.1.0/24']],
      ['/spec/cidrs', ['192.168.1.0/24', '192.168.0.0/24']],
      ['/spec/cidrs', ['fd00::/112', '192.168.0.0/24']],
      ['/spec/cidrs', ['192.168.0.0/24', 'fd00::/112', 'fd00::/112']],
      ['/spec/cidrs', ['192.168.0.1/24']],
    ],
  },
  {
    path: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
    only: true,
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'policy-with-variables' },
      spec: { matchConstraints, validations: [{ expression: 'true' }] },
    },
    more: ['../a', ' ', 'if', '1a'].map((name) => ['/spec/variables', [{ name, expression: 'true' }]] as const),
  },
  {
    path: '/apis/admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicybindings',
    only: true,
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1beta1',
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name: 'binding-with-parameters' },
      spec: { policyName: 'p' },
    },
    more: [
      ['/spec/paramRef', { name: 'x' }],
      ['/spec/paramRef', {}],
    ],
  },
  {
    path: '/apis/storage.k8s.io/v1/csidrivers',
    only: true,
    body: {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIDriver',
      metadata: { name: 'driver-with-tokens' },
      spec: {},
    },
    more: [
      ['/spec/tokenRequests', [{ audience: 'a' }, { audience: 'a', expirationSeconds: 30 }]],
      ['/spec/tokenRequests', [{ audience: 'a', expirationSeconds: 30 }]],
    ],
  },
  {
    path: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    only: true,
    updates: true,
    body: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'slice-of-order' },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.1'] }],
      ports: [{}],
    },
    more: [['/ports', [{}, {}]]],
    moreUpdates: [['/addressType', 'IPv6']],
  },
];

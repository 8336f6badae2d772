import type { Base } from '../base.ts';

const api = 'resource.k8s.io/v1';
const own = `/apis/${api}/namespaces/default`;
const opaque = { driver: 'd.io', parameters: { a: 1 } };
const devices = {
  requests: [
    {
      name: 'r',
      exactly: {
        deviceClassName: 'c',
        selectors: [{ cel: { expression: 'true' } }],
        allocationMode: 'ExactCount',
        count: 2,
        tolerations: [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 5 }],
      },
    },
    {
      name: 's',
      firstAvailable: [
        { name: 't', deviceClassName: 'c', allocationMode: 'All' },
        { name: 'u', deviceClassName: 'c' },
      ],
    },
  ],
  constraints: [{ requests: ['r'], matchAttribute: 'd.io/x' }],
  config: [{ requests: ['r', 's/t'], opaque }],
};
const spec = { devices };
const device = {
  name: 'dev',
  attributes: { 'd.io/a': { int: 1 }, b: { bool: true }, c: { string: 's' }, d: { version: '1.2.3' } },
  capacity: { memory: { value: '1Gi' } },
};

export const resourceBases: readonly Base[] = [
  {
    path: `/apis/${api}/deviceclasses`,
    updates: true,
    body: {
      apiVersion: api,
      kind: 'DeviceClass',
      metadata: { name: 'deviceclass' },
      spec: { selectors: [{ cel: { expression: 'true' } }], config: [{ opaque }], extendedResourceName: 'd.io/gpu' },
    },
    more: [
      ['/spec/selectors', Array.from({ length: 33 }, () => ({ cel: { expression: 'true' } }))],
      ['/spec/selectors/0', {}],
      ['/spec/selectors/0/cel/expression', 'x'.repeat(10241)],
      ['/spec/config', Array.from({ length: 33 }, () => ({ opaque }))],
      ['/spec/config/0', {}],
      ['/spec/config/0/opaque/parameters', 'text'],
      ['/spec/config/0/opaque/parameters', 5],
      ['/spec/config/0/opaque/parameters', { a: 'x'.repeat(10240) }],
    ],
  },
  {
    path: `${own}/resourceclaims`,
    updates: true,
    body: { apiVersion: api, kind: 'ResourceClaim', metadata: { name: 'claim' }, spec },
    more: [
      ['/spec/devices/requests/0/exactly/allocationMode', 'All'],
      ['/spec/devices/requests/0/exactly/count'],
      ['/spec/devices/requests/0/exactly/adminAccess', true],
      ['/spec/devices/requests/0', { name: 'r' }],
      [
        '/spec/devices/requests/0',
        { name: 'r', exactly: { deviceClassName: 'c' }, firstAvailable: [{ name: 't', deviceClassName: 'c' }] },
      ],
      ['/spec/devices/requests/1', { name: 'r', exactly: { deviceClassName: 'c' } }],
      ['/spec/devices/requests/1/firstAvailable/1/name', 't'],
      [
        '/spec/devices/requests/1/firstAvailable',
        Array.from({ length: 9 }, (_, n) => ({ name: `n${n}`, deviceClassName: 'c' })),
      ],
      [
        '/spec/devices/requests',
        Array.from({ length: 33 }, (_, n) => ({ name: `n${n}`, exactly: { deviceClassName: 'c' } })),
      ],
      ['/spec/devices/constraints', Array.from({ length: 33 }, () => ({ matchAttribute: 'd.io/x' }))],
      ['/spec/devices/constraints/0', {}],
      ['/spec/devices/constraints/0', { requests: ['nope', 'r', 'r'], matchAttribute: 'x' }],
      ['/spec/devices/constraints/0', { requests: ['s/t', 's/x', 'a/b/c'], matchAttribute: 'd.io/x/y' }],
      ['/spec/devices/constraints/0', { matchAttribute: 'B_/x-' }],
      ['/spec/devices/constraints/0', { distinctAttribute: 'd.io/x' }],
      ['/spec/devices/config/0/requests', ['nope']],
      ['/spec/devices/config/0', {}],
      ['/spec/devices/requests/0/exactly/tolerations', [{ operator: 'X', effect: 'Y' }]],
      ['/spec/devices/requests/0/exactly/tolerations', [{ operator: 'Exists', value: 'x' }]],
      ['/spec/devices/requests/0/exactly/tolerations', [{ operator: 'Equal' }]],
      ['/spec', {}],
    ],
    status: {
      allocation: {
        devices: {
          results: [{ request: 'r', driver: 'd.io', pool: 'p', device: 'dev' }],
          config: [{ source: 'FromClass', requests: ['r'], opaque }],
        },
        nodeSelector: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }],
        },
      },
      reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }],
      devices: [
        {
          driver: 'd.io',
          pool: 'p',
          device: 'dev',
          conditions: [
            { type: 'X', status: 'True', reason: 'R', message: 'm', lastTransitionTime: '2020-01-01T00:00:00Z' },
          ],
          data: { a: 1 },
          networkData: { interfaceName: 'eth0', ips: ['10.0.0.1/8'], hardwareAddress: 'x' },
        },
      ],
    },
    moreStatus: [
      ['/status/allocation'],
      ['/status', {}],
      [
        '/status/reservedFor',
        [
          { resource: 'pods', name: 'p', uid: 'u' },
          { resource: 'pods', name: 'q', uid: 'u' },
        ],
      ],
      ['/status/reservedFor', Array.from({ length: 257 }, (_, n) => ({ resource: 'pods', name: 'p', uid: `u${n}` }))],
      ['/status/allocation/devices/results/0/device', 'other'],
      ['/status/allocation/devices/results/0/request', 'nope'],
      ['/status/devices/0/device', 'nope'],
      ['/status/devices/0/networkData/ips', ['10.0.0.1', '010.0.0.1/8', '10.0.0.1/8']],
      ['/status/devices/0/data', 'x'],
    ],
  },
  {
    path: `${own}/resourceclaimtemplates`,
    updates: true,
    body: {
      apiVersion: api,
      kind: 'ResourceClaimTemplate',
      metadata: { name: 'template' },
      spec: { metadata: { labels: { a: 'b' }, annotations: { a: 'b' } }, spec },
    },
    moreUpdates: [['/spec/spec/devices/requests/0/exactly/count', 3]],
  },
  {
    path: `/apis/${api}/resourceslices`,
    updates: true,
    body: {
      apiVersion: api,
      kind: 'ResourceSlice',
      metadata: { name: 'slice' },
      spec: {
        driver: 'd.io',
        pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
        nodeName: 'n',
        devices: [device],
      },
    },
    more: [
      ['/spec/allNodes', true],
      ['/spec/nodeName', ''],
      ['/spec/nodeName'],
      [
        '/spec/nodeSelector',
        {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'a', operator: 'Exists' }] },
            { matchExpressions: [{ key: 'a', operator: 'Exists' }] },
          ],
        },
      ],
      ['/spec/pool/name', 'a/b'],
      ['/spec/pool/name', 'A_/b'],
      ['/spec/pool/generation', -1],
      ['/spec/devices/1', device],
      ['/spec/devices', Array.from({ length: 129 }, (_, n) => ({ name: `n${n}` }))],
      [
        '/spec/devices/0/attributes',
        { 'a-b': { int: 1 }, 'B_/x': { int: 1 }, x: {}, y: { int: 1, bool: true }, 'd.io/': { int: 1 } },
      ],
      [
        '/spec/devices/0/attributes',
        {
          z: { version: '1.2' },
          y: { string: 'x'.repeat(65) },
          ['x'.repeat(33)]: { int: 1 },
          [`${'x'.repeat(64)}/y`]: { int: 1 },
        },
      ],
      ['/spec/devices/0/attributes', Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`a${n}`, { int: 1 }]))],
      ['/spec/devices/0/capacity', { 'a-b': { value: '1' } }],
      ['/spec/devices/0/taints', [{ key: 'a', value: 'b', effect: 'NoSchedule' }]],
      ['/spec/devices/0/taints', [{ key: '', value: 'b c', effect: 'X' }]],
      ['/spec/devices/0/bindingConditions', ['a']],
      ['/spec/perDeviceNodeSelection', true],
      ['/spec/sharedCounters', [{ name: 'a', counters: { x: { value: '1' } } }]],
      ['/spec/devices/0/consumesCounters', [{ counterSet: 'a', counters: { x: { value: '1' } } }]],
      ['/spec/devices/0/nodeName', 'n'],
      ['/spec/devices/0/allNodes', true],
    ],
    moreUpdates: [
      ['/spec/nodeName', 'm'],
      ['/spec/driver', 'e.io'],
      ['/spec/pool/name', 'q'],
      ['/spec/pool/generation', 2],
    ],
  },
  {
    path: '/apis/resource.k8s.io/v1alpha3/devicetaintrules',
    updates: true,
    body: {
      apiVersion: 'resource.k8s.io/v1alpha3',
      kind: 'DeviceTaintRule',
      metadata: { name: 'taintrule' },
      spec: {
        deviceSelector: { driver: 'd.io', pool: 'p', device: 'dev' },
        taint: { key: 'a', value: 'b', effect: 'NoExecute' },
      },
    },
    more: [
      ['/spec/taint/effect', 'None'],
      ['/spec/deviceSelector', {}],
      ['/spec/taint/timeAdded', '2020-01-01T00:00:00Z'],
    ],
    moreUpdates: [
      ['/spec/taint/value', 'c'],
      ['/spec/taint/effect', 'NoSchedule'],
    ],
    status: {
      conditions: [
        { type: 'X', status: 'True', reason: 'R', message: 'm', lastTransitionTime: '2020-01-01T00:00:00Z' },
      ],
    },
  },
  ...(['v1beta1', 'v1beta2'] as const).map(
    (version): Base => ({
      path: `/apis/resource.k8s.io/${version}/namespaces/default/resourceclaims`,
      body: {
        apiVersion: `resource.k8s.io/${version}`,
        kind: 'ResourceClaim',
        metadata: { name: version },
        spec:
          version === 'v1beta2'
            ? spec
            : { devices: { requests: [{ name: 'r', deviceClassName: 'c', allocationMode: 'ExactCount', count: 2 }] } },
      },
    }),
  ),
  {
    path: '/apis/resource.k8s.io/v1beta1/resourceslices',
    body: {
      apiVersion: 'resource.k8s.io/v1beta1',
      kind: 'ResourceSlice',
      metadata: { name: 'betaslice' },
      spec: {
        driver: 'd.io',
        pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
        nodeName: 'n',
        devices: [{ name: 'dev', basic: { attributes: { a: { int: 1 } }, capacity: { memory: { value: '1Gi' } } } }],
      },
    },
  },
];

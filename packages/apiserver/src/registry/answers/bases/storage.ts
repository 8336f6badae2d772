import type { Base } from '../base.ts';

const api = 'storage.k8s.io/v1';
const at = (plural: string) => `/apis/${api}/${plural}`;
const time = '2020-01-01T00:00:00Z';

export const storageBases: readonly Base[] = [
  {
    path: at('storageclasses'),
    updates: true,
    body: {
      apiVersion: api,
      kind: 'StorageClass',
      metadata: { name: 'storageclass' },
      provisioner: 'p.io/x',
      parameters: { a: 'b' },
      reclaimPolicy: 'Retain',
      mountOptions: ['ro'],
      allowVolumeExpansion: true,
      volumeBindingMode: 'WaitForFirstConsumer',
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }],
    },
    more: [
      ['/parameters', { '': 'x' }],
      ['/reclaimPolicy', 'Recycle'],
      ['/parameters', { a: 'x'.repeat(256 * 1024 + 1) }],
      ['/parameters', Object.fromEntries(Array.from({ length: 513 }, (_, n) => [`k${n}`, 'v']))],
      [
        '/allowedTopologies',
        [
          { matchLabelExpressions: [{ key: 'a', values: ['b'] }] },
          { matchLabelExpressions: [{ key: 'a', values: ['b'] }] },
        ],
      ],
      [
        '/allowedTopologies',
        [
          {
            matchLabelExpressions: [
              { key: 'a', values: ['b'] },
              { key: 'a', values: ['c'] },
            ],
          },
        ],
      ],
      ['/allowedTopologies', [{}]],
      ['/provisioner', 'Kubernetes.io/X'],
      ['/provisioner', '-a'],
      ['/metadata/annotations', { 'storageclass.kubernetes.io/is-default-class': 'true' }],
    ],
    moreUpdates: [
      ['/parameters/a', 'c'],
      ['/provisioner', 'q'],
      ['/reclaimPolicy', 'Delete'],
      ['/volumeBindingMode', 'Immediate'],
      ['/allowedTopologies/0/matchLabelExpressions/0/values', ['c']],
    ],
  },
  {
    path: at('volumeattachments'),
    updates: true,
    body: {
      apiVersion: api,
      kind: 'VolumeAttachment',
      metadata: { name: 'volumeattachment' },
      spec: { attacher: 'a.io', source: { persistentVolumeName: 'pv' }, nodeName: 'n' },
    },
    more: [
      [
        '/spec/source',
        {
          inlineVolumeSpec: {
            capacity: { storage: '1Gi' },
            accessModes: ['ReadWriteOnce'],
            csi: { driver: 'd', volumeHandle: 'h' },
          },
        },
      ],
      ['/spec/source', { inlineVolumeSpec: { hostPath: { path: '/x' } } }],
      ['/spec/source', { inlineVolumeSpec: { csi: { driver: 'd', volumeHandle: 'h' } } }],
      ['/spec/source', { persistentVolumeName: 'x', inlineVolumeSpec: { csi: { driver: 'd', volumeHandle: 'h' } } }],
    ],
    moreUpdates: [['/spec/nodeName', 'm']],
    status: {
      attached: true,
      attachmentMetadata: { a: 'b' },
      attachError: { message: 'm', time, errorCode: 3 },
      detachError: { message: 'm', time },
    },
    moreStatus: [
      ['/status/attachError/message', 'x'.repeat(1025)],
      ['/status/attachmentMetadata', { a: 'x'.repeat(300000) }],
    ],
  },
  {
    path: at('csidrivers'),
    updates: true,
    body: {
      apiVersion: api,
      kind: 'CSIDriver',
      metadata: { name: 'csidriver' },
      spec: {
        attachRequired: true,
        podInfoOnMount: true,
        volumeLifecycleModes: ['Persistent', 'Ephemeral'],
        storageCapacity: true,
        fsGroupPolicy: 'File',
        tokenRequests: [{ audience: 'a', expirationSeconds: 600 }, { audience: '' }],
        requiresRepublish: true,
        seLinuxMount: true,
        nodeAllocatableUpdatePeriodSeconds: 10,
        serviceAccountTokenInSecrets: true,
      },
    },
    more: [
      ['/spec/tokenRequests/0/expirationSeconds', 599],
      ['/spec/tokenRequests/0/expirationSeconds', 4294967297],
      ['/spec/nodeAllocatableUpdatePeriodSeconds', 9],
      ['/spec', {}],
      ['/spec/volumeLifecycleModes', ['X']],
      ['/metadata/name', 'x'.repeat(64)],
      ['/metadata/name', 'a-.b'],
    ],
    moreUpdates: [
      ['/spec/fsGroupPolicy', 'None'],
      ['/spec/volumeLifecycleModes', ['Persistent']],
      ['/spec/storageCapacity', false],
    ],
  },
  {
    path: at('csinodes'),
    updates: true,
    body: {
      apiVersion: api,
      kind: 'CSINode',
      metadata: { name: 'csinode' },
      spec: {
        drivers: [
          { name: 'a.io', nodeID: 'n', topologyKeys: ['zone', 'x.io/y'], allocatable: { count: 3 } },
          { name: 'b.io', nodeID: 'n' },
        ],
      },
    },
    more: [
      ['/spec/drivers/0/nodeID', 'x'.repeat(193)],
      ['/spec/drivers/0/topologyKeys', ['a', 'a']],
      ['/spec/drivers/0/topologyKeys', ['']],
      ['/spec/drivers/1/name', 'a.io'],
    ],
    moreUpdates: [
      ['/spec/drivers/0/nodeID', 'm'],
      ['/spec/drivers/0/allocatable/count', 4],
      ['/spec/drivers/0/topologyKeys', ['zone']],
      ['/spec/drivers/2', { name: 'c.io', nodeID: 'n' }],
    ],
  },
  {
    path: `/apis/${api}/namespaces/default/csistoragecapacities`,
    updates: true,
    body: {
      apiVersion: api,
      kind: 'CSIStorageCapacity',
      metadata: { name: 'csistoragecapacity' },
      nodeTopology: { matchLabels: { a: 'b' } },
      storageClassName: 's',
      capacity: '1Gi',
      maximumVolumeSize: '1Gi',
    },
    more: [
      ['/capacity', '-1'],
      ['/maximumVolumeSize', '-1'],
      ['/nodeTopology/matchExpressions', [{ key: 'a', operator: 'X' }]],
    ],
    moreUpdates: [
      ['/storageClassName', 't'],
      ['/nodeTopology', { matchLabels: { a: 'c' } }],
    ],
  },
  {
    path: at('volumeattributesclasses'),
    updates: true,
    body: {
      apiVersion: api,
      kind: 'VolumeAttributesClass',
      metadata: { name: 'volumeattributesclass' },
      driverName: 'd.io',
      parameters: { a: 'b' },
    },
    more: [
      ['/parameters', { '': 'x' }],
      ['/parameters', { a: 'x'.repeat(256 * 1024 + 1) }],
      ['/driverName', 'x'.repeat(64)],
    ],
    moreUpdates: [
      ['/parameters/a', 'c'],
      ['/driverName', 'e.io'],
    ],
  },
  {
    path: '/apis/storage.k8s.io/v1beta1/volumeattributesclasses',
    updates: true,
    body: {
      apiVersion: 'storage.k8s.io/v1beta1',
      kind: 'VolumeAttributesClass',
      metadata: { name: 'betaclass' },
      driverName: 'd.io',
      parameters: { a: 'b' },
    },
  },
  {
    path: '/apis/node.k8s.io/v1/runtimeclasses',
    updates: true,
    body: {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'runtimeclass' },
      handler: 'runc',
      overhead: { podFixed: { cpu: '1', memory: '1Mi' } },
      scheduling: {
        nodeSelector: { a: 'b' },
        tolerations: [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 5 }],
      },
    },
    more: [
      ['/handler', 'Run_c'],
      ['/overhead/podFixed', { foo: '1' }],
      ['/overhead/podFixed', { cpu: '-1' }],
      ['/overhead/podFixed', { 'a.b/c': '500m' }],
      ['/scheduling/tolerations', [{ operator: 'X' }]],
      ['/scheduling/tolerations', [{ key: 'a' }, { key: 'a', operator: 'Equal' }]],
      ['/scheduling/tolerations', [{ key: 'a' }, { key: 'a' }]],
      ['/scheduling/nodeSelector', { 'a b': 'c' }],
    ],
  },
  {
    path: '/apis/scheduling.k8s.io/v1/priorityclasses',
    updates: true,
    body: {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'priorityclass' },
      value: 100,
      globalDefault: false,
      description: 'd',
      preemptionPolicy: 'Never',
    },
    more: [
      ['/value', 1000000001],
      ['/metadata/name', 'system-foo'],
      ['/preemptionPolicy', 'PreemptLowerPriority'],
    ],
    moreUpdates: [['/value', 7]],
  },
  {
    path: '/apis/coordination.k8s.io/v1/namespaces/default/leases',
    updates: true,
    body: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'lease' },
      spec: {
        holderIdentity: 'h',
        leaseDurationSeconds: 10,
        acquireTime: '2020-01-01T00:00:00.000000Z',
        renewTime: '2020-01-01T00:00:00.000000Z',
        leaseTransitions: 1,
      },
    },
    more: [
      ['/spec/strategy', 'OldestEmulationVersion'],
      ['/spec/preferredHolder', 'x'],
      ['/spec/strategy', 'Bad!'],
      ['/spec', { strategy: 'a.b/c', preferredHolder: 'x' }],
    ],
  },
  {
    path: '/apis/coordination.k8s.io/v1beta1/namespaces/default/leasecandidates',
    updates: true,
    body: {
      apiVersion: 'coordination.k8s.io/v1beta1',
      kind: 'LeaseCandidate',
      metadata: { name: 'candidate' },
      spec: {
        leaseName: 'l',
        binaryVersion: '1.35.0',
        emulationVersion: '1.35.0',
        strategy: 'OldestEmulationVersion',
        pingTime: '2020-01-01T00:00:00.000000Z',
        renewTime: '2020-01-01T00:00:00.000000Z',
      },
    },
    more: [
      ['/spec/emulationVersion', '1.36.0'],
      ['/spec/binaryVersion', '1.2'],
      ['/spec/binaryVersion', 'v1.35.0'],
      ['/spec/strategy', 'a.b/c'],
      ['/spec/emulationVersion', '01.2.3'],
    ],
    moreUpdates: [['/spec/leaseName', 'm']],
  },
  {
    path: '/apis/coordination.k8s.io/v1alpha2/namespaces/default/leasecandidates',
    body: {
      apiVersion: 'coordination.k8s.io/v1alpha2',
      kind: 'LeaseCandidate',
      metadata: { name: 'candidate2' },
      spec: { leaseName: 'l', binaryVersion: '1.35.0', emulationVersion: '1.35.0', strategy: 'OldestEmulationVersion' },
    },
  },
];

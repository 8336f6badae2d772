import type { Base } from '../base.ts';

const flow = 'flowcontrol.apiserver.k8s.io/v1';
const time = '2020-01-01T00:00:00Z';

export const servingBases: readonly Base[] = [
  {
    path: `/apis/${flow}/flowschemas`,
    updates: true,
    body: {
      apiVersion: flow,
      kind: 'FlowSchema',
      metadata: { name: 'flowschema' },
      spec: {
        priorityLevelConfiguration: { name: 'global-default' },
        matchingPrecedence: 500,
        distinguisherMethod: { type: 'ByUser' },
        rules: [
          {
            subjects: [
              { kind: 'User', user: { name: 'u' } },
              { kind: 'Group', group: { name: 'g' } },
              { kind: 'ServiceAccount', serviceAccount: { namespace: 'ns', name: '*' } },
            ],
            resourceRules: [
              { verbs: ['get'], apiGroups: [''], resources: ['pods'], clusterScope: true, namespaces: ['ns'] },
            ],
            nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }],
          },
        ],
      },
    },
    more: [
      ['/spec/matchingPrecedence', 10001],
      ['/spec/matchingPrecedence', 1],
      ['/spec/priorityLevelConfiguration/name', 'exempt'],
      ['/spec/rules/0/subjects/0', { kind: 'User', group: { name: 'x' } }],
      ['/spec/rules/0/subjects/0', { kind: 'User', user: { name: 'u' }, group: { name: 'x' } }],
      ['/spec/rules/0/subjects/1', { kind: 'Group' }],
      ['/spec/rules/0/subjects/2', { kind: 'ServiceAccount' }],
      ['/spec/rules/0/subjects/2/serviceAccount/name', 'x'],
      [
        '/spec/rules/0/resourceRules/0',
        { verbs: ['*', 'get'], apiGroups: ['*', 'x'], resources: ['*', 'x'], namespaces: ['*', 'x'] },
      ],
      ['/spec/rules/0/resourceRules/0', { verbs: ['bogus'], apiGroups: ['B_'], resources: ['B_'], namespaces: ['B_'] }],
      ['/spec/rules/0/resourceRules/0/namespaces', []],
      ['/spec/rules/0/resourceRules/0', { verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
      ['/spec/rules/0/nonResourceRules/0', { verbs: ['*', 'get'], nonResourceURLs: ['*', '/x'] }],
      [
        '/spec/rules/0/nonResourceRules/0',
        { verbs: ['list'], nonResourceURLs: ['x', '/a*b', '/a//b', '/a/*', '/*/a', '/ a', ''] },
      ],
      ['/metadata/name', 'exempt'],
      ['/metadata/name', 'catch-all'],
    ],
    status: { conditions: [{ type: 'Dangling', status: 'True', reason: 'R', message: 'm', lastTransitionTime: time }] },
  },
  {
    path: `/apis/${flow}/prioritylevelconfigurations`,
    updates: true,
    body: {
      apiVersion: flow,
      kind: 'PriorityLevelConfiguration',
      metadata: { name: 'prioritylevel' },
      spec: {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 5,
          lendablePercent: 50,
          borrowingLimitPercent: 50,
          limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
        },
      },
    },
    more: [
      ['/spec/type', 'Exempt'],
      ['/spec', { type: 'Exempt' }],
      ['/spec', { type: 'Exempt', exempt: { nominalConcurrencyShares: -1, lendablePercent: 101 } }],
      ['/spec/exempt', {}],
      ['/spec', { type: 'Limited' }],
      ['/spec', { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } }],
      ['/spec/limited/limitResponse/type', 'Reject'],
      ['/spec/limited/limitResponse', { type: 'Queue' }],
      ['/spec/limited/limitResponse', { type: 'Queue', queuing: {} }],
      ['/spec/limited/limitResponse/queuing', { queues: 10, handSize: 11, queueLengthLimit: 1 }],
      ['/spec/limited/limitResponse/queuing', { queues: 10000001, handSize: 8, queueLengthLimit: 1 }],
      ['/spec/limited/limitResponse/queuing', { queues: 1000000, handSize: 8, queueLengthLimit: 1 }],
      ['/spec/limited/lendablePercent', 101],
      ['/metadata/name', 'exempt'],
      ['/metadata/name', 'catch-all'],
      ['/metadata/name', 'global-default'],
    ],
    status: { conditions: [{ type: 'X', status: 'True', reason: 'R', message: 'm', lastTransitionTime: time }] },
  },
  {
    path: '/apis/apiregistration.k8s.io/v1/apiservices',
    updates: true,
    body: {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1.example.com' },
      spec: {
        service: { namespace: 'ns', name: 's', port: 443 },
        group: 'example.com',
        version: 'v1',
        caBundle: 'eA==',
        groupPriorityMinimum: 100,
        versionPriority: 10,
      },
    },
    more: [
      ['/spec/insecureSkipTLSVerify', true],
      [
        '/spec',
        {
          group: 'example.com',
          version: 'v1',
          groupPriorityMinimum: 100,
          versionPriority: 10,
          insecureSkipTLSVerify: true,
        },
      ],
      ['/spec', { group: 'example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10 }],
      ['/spec/groupPriorityMinimum', 20001],
      ['/spec/versionPriority', 1001],
      ['/spec/version', 'v2'],
    ],
    status: {
      conditions: [{ type: 'Available', status: 'True', reason: 'R', message: 'm', lastTransitionTime: time }],
    },
  },
  {
    path: '/apis/internal.apiserver.k8s.io/v1alpha1/storageversions',
    updates: true,
    body: {
      apiVersion: 'internal.apiserver.k8s.io/v1alpha1',
      kind: 'StorageVersion',
      metadata: { name: 'apps.deployments' },
      spec: {},
    },
    more: [
      ['/metadata/name', 'x'],
      ['/metadata/name', 'Bad_.x'],
    ],
    status: {
      storageVersions: [
        { apiServerID: 'a', encodingVersion: 'apps/v1', decodableVersions: ['apps/v1'], servedVersions: ['apps/v1'] },
      ],
      commonEncodingVersion: 'apps/v1',
      conditions: [
        {
          type: 'AllEncodingVersionsEqual',
          status: 'True',
          reason: 'R',
          message: 'm',
          observedGeneration: 1,
          lastTransitionTime: time,
        },
      ],
    },
    moreStatus: [
      ['/status/commonEncodingVersion', 'apps/v2'],
      ['/status/storageVersions/0/decodableVersions', ['v1', 'a/b/c']],
      ['/status/storageVersions/0/servedVersions', ['apps/v2']],
      ['/status/storageVersions/0/encodingVersion', 'apps/v3'],
      [
        '/status/storageVersions/1',
        { apiServerID: 'b', encodingVersion: 'apps/v1beta1', decodableVersions: ['apps/v1beta1'] },
      ],
    ],
  },
  {
    path: '/apis/events.k8s.io/v1/namespaces/default/events',
    updates: true,
    body: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'event' },
      eventTime: '2020-01-01T00:00:00.000000Z',
      series: { count: 2, lastObservedTime: '2020-01-01T00:00:00.000000Z' },
      reportingController: 'x.io/c',
      reportingInstance: 'i',
      action: 'a',
      reason: 'r',
      regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
      related: { kind: 'Pod', namespace: 'default', name: 'p' },
      note: 'n',
      type: 'Normal',
    },
    more: [
      ['/regarding/namespace', 'x'],
      ['/regarding', { kind: 'Node', name: 'x' }],
      ['/note', 'x'.repeat(1025)],
      ['/reason', 'x'.repeat(129)],
      ['/deprecatedCount', 1],
      ['/deprecatedFirstTimestamp', '2020-01-01T00:00:00Z'],
      ['/deprecatedLastTimestamp', '2020-01-01T00:00:00Z'],
      ['/deprecatedSource', { component: 'x' }],
      ['/type', 'Warning'],
    ],
    moreUpdates: [
      ['/series/count', 3],
      ['/action', 'b'],
    ],
  },
];

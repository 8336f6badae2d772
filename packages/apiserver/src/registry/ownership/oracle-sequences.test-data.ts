/** What sequences of writes are made of: for each kind parts of objects, which are put together at random. */
export interface SequenceKind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** In every object that is created, and in most that are applied. */
  readonly base: object;
  readonly parts: readonly object[];
  /** Parts that are written by way of the status. */
  readonly status: readonly object[];
  readonly scale?: boolean;
}

const metadata: readonly object[] = [
  { metadata: { labels: { a: '1' } } },
  { metadata: { labels: { a: '2', b: '1' } } },
  { metadata: { annotations: { 'x.y/z': 'w' } } },
  { metadata: { annotations: {} } },
  { metadata: { finalizers: ['a.b/c'] } },
  { metadata: { finalizers: ['d.e/f', 'a.b/c'] } },
  { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'A', name: 'x', uid: 'u1' }] } },
  { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'A', name: 'y', uid: 'u2', controller: true }] } },
];

const container = (each: object) => ({ name: 'c', image: 'i', ...each });
const podSpecs: readonly object[] = [
  { containers: [container({ ports: [{ containerPort: 80 }] })] },
  {
    containers: [
      container({
        ports: [
          { containerPort: 80, name: 'a' },
          { containerPort: 80, protocol: 'UDP' },
        ],
      }),
    ],
  },
  { containers: [container({ env: [{ name: 'A', value: '1' }] })] },
  {
    containers: [
      container({
        env: [
          { name: 'B', value: '2' },
          { name: 'A', value: '1' },
        ],
      }),
    ],
  },
  { containers: [container({ image: 'j' })] },
  { containers: [container({ resources: { requests: { cpu: '1000m', memory: '1Gi' } } })] },
  { containers: [container({ command: ['a', 'b'], livenessProbe: { exec: { command: ['x'] } } })] },
  {
    containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
    volumes: [{ name: 'v', emptyDir: {} }],
  },
  { containers: [container({}), { name: 'd', image: 'k' }] },
  { containers: [{ name: 'd', image: 'k' }, container({})] },
  { tolerations: [{ key: 'a', operator: 'Exists' }], nodeSelector: { a: 'b' } },
  { securityContext: { runAsUser: 1 }, hostAliases: [{ ip: '1.2.3.4', hostnames: ['h'] }] },
  { imagePullSecrets: [{ name: 's' }], topologySpreadConstraints: [] },
];

const labels = { app: 'x' };

export const sequenceKinds: readonly SequenceKind[] = [
  {
    group: '',
    version: 'v1',
    resource: 'configmaps',
    kind: 'ConfigMap',
    namespaced: true,
    base: {},
    parts: [
      ...metadata,
      { data: { a: '1' } },
      { data: { a: '2', b: '1' } },
      { data: {} },
      { binaryData: { c: 'YQ==' } },
      { immutable: false },
    ],
    status: [],
  },
  {
    group: 'apps',
    version: 'v1',
    resource: 'deployments',
    kind: 'Deployment',
    namespaced: true,
    base: {
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container({})] } },
      },
    },
    parts: [
      ...metadata,
      { spec: { replicas: 3 } },
      { spec: { replicas: 0 } },
      { spec: { strategy: { type: 'Recreate' } } },
      { spec: { strategy: { rollingUpdate: { maxSurge: 1 } } } },
      { spec: { template: { metadata: { labels: { x: 'y' }, annotations: { q: 'r' } } } } },
      { spec: { paused: true, minReadySeconds: 3 } },
      ...podSpecs.map((spec) => ({ spec: { template: { spec } } })),
    ],
    status: [
      ...metadata,
      { status: { replicas: 1 } },
      { status: { observedGeneration: 1, conditions: [{ type: 'A', status: 'True' }] } },
      {
        status: {
          conditions: [
            { type: 'B', status: 'False', reason: 'r' },
            { type: 'A', status: 'False' },
          ],
        },
      },
      { spec: { replicas: 7 } },
    ],
    scale: true,
  },
  {
    group: '',
    version: 'v1',
    resource: 'pods',
    kind: 'Pod',
    namespaced: true,
    base: { spec: { containers: [container({})] } },
    parts: [...metadata, ...podSpecs.slice(0, 10).map((spec) => ({ spec })), { spec: { activeDeadlineSeconds: 9 } }],
    status: [
      ...metadata,
      { status: { phase: 'Running', podIP: '1.2.3.4', podIPs: [{ ip: '1.2.3.4' }] } },
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      {
        status: {
          conditions: [
            { type: 'Ready', status: 'False' },
            { type: 'x.y/z', status: 'True' },
          ],
        },
      },
      { status: { containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: true, restartCount: 0 }] } },
    ],
  },
  {
    group: '',
    version: 'v1',
    resource: 'services',
    kind: 'Service',
    namespaced: true,
    base: { spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] } },
    parts: [
      ...metadata,
      { spec: { ports: [{ port: 80, name: 'a' }] } },
      {
        spec: {
          ports: [
            { port: 80, name: 'a' },
            { port: 80, name: 'b', protocol: 'UDP' },
          ],
        },
      },
      { spec: { selector: { a: 'b' } } },
      { spec: { selector: { c: 'd' }, publishNotReadyAddresses: true } },
      { spec: { sessionAffinity: 'ClientIP' } },
    ],
    status: [
      { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
      {
        status: {
          conditions: [
            { type: 'A', status: 'True', reason: 'r', message: '', lastTransitionTime: '2020-01-01T00:00:00Z' },
          ],
        },
      },
    ],
  },
  {
    group: '',
    version: 'v1',
    resource: 'nodes',
    kind: 'Node',
    namespaced: false,
    base: { metadata: { labels: { n: '1' } } },
    parts: [
      ...metadata.filter((each) => !JSON.stringify(each).includes('finalizers')),
      { spec: { unschedulable: true } },
      { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
      {
        spec: {
          taints: [
            { key: 'b', effect: 'NoExecute' },
            { key: 'a', effect: 'NoSchedule' },
          ],
        },
      },
      { spec: { providerID: 'x' } },
    ],
    status: [
      { status: { capacity: { cpu: '4' }, allocatable: { cpu: '4' } } },
      { status: { addresses: [{ type: 'InternalIP', address: '1.2.3.4' }] } },
      {
        status: {
          addresses: [
            { type: 'InternalIP', address: '1.2.3.4' },
            { type: 'InternalIP', address: '1.2.3.5' },
          ],
        },
      },
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      { status: { nodeInfo: { kernelVersion: '6' } } },
    ],
  },
  ...(['v1', 'v2'] as const).map(
    (version): SequenceKind => ({
      group: 'autoscaling',
      version,
      resource: 'horizontalpodautoscalers',
      kind: 'HorizontalPodAutoscaler',
      namespaced: true,
      base: { spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' } } },
      parts: [
        ...metadata,
        { spec: { minReplicas: 2 } },
        { spec: { maxReplicas: 9 } },
        ...(version === 'v1'
          ? [{ spec: { targetCPUUtilizationPercentage: 50 } }]
          : [
              {
                spec: {
                  metrics: [
                    {
                      type: 'Resource',
                      resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 5 } },
                    },
                  ],
                },
              },
              { spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 5 } } } },
            ]),
      ],
      status: [],
    }),
  ),
  {
    group: 'own.keelson.test',
    version: 'v1',
    resource: 'wasps',
    kind: 'Wasp',
    namespaced: true,
    base: { spec: { items: [{ id: 'a', port: 1 }] } },
    parts: [
      // Stored by the real server as it came, an empty map makes the next write of nothing one of something.
      ...metadata.filter((each) => !JSON.stringify(each).includes('{}')),
      { spec: { items: [{ id: 'a', port: 1, note: 'n' }] } },
      {
        spec: {
          items: [
            { id: 'b', port: 2 },
            { id: 'a', port: 1 },
          ],
        },
      },
      { spec: { tags: ['x', 'y'] } },
      { spec: { tags: ['z'] } },
      { spec: { whole: { a: 1 } } },
      { spec: { whole: { b: { c: 2 } } } },
      { spec: { list: [1, 2] } },
      { spec: { any: { a: { b: [1] } } } },
      { spec: { any: { a: { c: 'x' }, d: null } } },
      { spec: { n: 3, quantity: '5' } },
      { spec: { n: 4, quantity: 5, nothing: null } },
      { other: { x: '1' } },
    ],
    status: [
      { status: { n: 1 } },
      { status: { n: 2, text: 'x' } },
      { metadata: { labels: { s: '1' } } },
      { spec: { n: 8 } },
    ],
    scale: true,
  },
];

export const waspDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'wasps.own.keelson.test' },
  spec: {
    group: 'own.keelson.test',
    names: { plural: 'wasps', kind: 'Wasp', singular: 'wasp', listKind: 'WaspList' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  items: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['id', 'protocol'],
                    items: {
                      type: 'object',
                      required: ['id'],
                      properties: {
                        id: { type: 'string' },
                        port: { type: 'integer' },
                        protocol: { type: 'string', default: 'TCP' },
                        note: { type: 'string' },
                      },
                    },
                  },
                  tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
                  whole: {
                    type: 'object',
                    'x-kubernetes-map-type': 'atomic',
                    'x-kubernetes-preserve-unknown-fields': true,
                  },
                  list: { type: 'array', items: { type: 'integer' } },
                  any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  n: { type: 'integer' },
                  quantity: { 'x-kubernetes-int-or-string': true },
                  nothing: { type: 'string', nullable: true },
                },
              },
              other: { type: 'object', additionalProperties: { type: 'string' } },
              status: { type: 'object', properties: { n: { type: 'integer' }, text: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
};

/** Objects that are made, then shown in states. `{ns}` is the test's namespace. */
export interface Stated {
  readonly path: string;
  readonly body: object;
  readonly statuses: readonly object[];
}

const before = '2020-01-02T03:04:05Z';
const container = { name: 'c', image: 'i:1' };
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [container], restartPolicy: 'Always' } };
const selector = { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'c', operator: 'In', values: ['z', 'y'] }] };
const labelled = { ...template, metadata: { labels: { a: 'b', c: 'z' } } };

const running = (ready: boolean, restartCount = 0, lastState = {}) => ({
  ...{ name: 'c', image: 'i:1', imageID: '', ready, restartCount, lastState },
  state: { running: { startedAt: before } },
});
const waiting = (reason: string) => ({
  ...{ name: 'c', image: 'i:1', imageID: '', ready: false, restartCount: 3 },
  state: { waiting: { reason } },
});
const ended = (terminated: object) => ({
  ...{ name: 'c', image: 'i:1', imageID: '', ready: false, restartCount: 1 },
  state: { terminated: { finishedAt: before, startedAt: before, ...terminated } },
});
const condition = (type: string, status = 'True', more = {}) => ({ type, status, lastTransitionTime: before, ...more });

const pod = (name: string, spec: object = {}) => ({
  path: '/api/v1/namespaces/{ns}/pods',
  body: { metadata: { name }, spec: { schedulerName: 'nobody', containers: [container], ...spec } },
});

export const stated: readonly Stated[] = [
  {
    ...pod('plain', { readinessGates: [{ conditionType: 'x/y' }, { conditionType: 'x/z' }] }),
    statuses: [
      { phase: 'Pending', conditions: [condition('PodScheduled', 'False', { reason: 'SchedulingGated' })] },
      { phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }], containerStatuses: [running(true)] },
      {
        phase: 'Running',
        conditions: [condition('x/y')],
        containerStatuses: [running(false, 4, ended({ exitCode: 1 }).state)],
      },
      { phase: 'Pending', containerStatuses: [waiting('ImagePullBackOff')] },
      {
        phase: 'Running',
        containerStatuses: [ended({ exitCode: 0, reason: 'Completed' }), { ...running(true), name: 'd' }],
      },
      {
        phase: 'Running',
        conditions: [condition('Ready')],
        containerStatuses: [ended({ exitCode: 0, reason: 'Completed' }), { ...running(true), name: 'd' }],
      },
      { phase: 'Failed', containerStatuses: [ended({ exitCode: 137 })] },
      { phase: 'Failed', containerStatuses: [ended({ exitCode: 0, signal: 9 })] },
      { phase: 'Failed', reason: 'Evicted' },
      { phase: 'Succeeded', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' })] },
      { phase: 'Pending', nominatedNodeName: 'node-x' },
      {},
    ],
  },
  {
    ...pod('inits', {
      initContainers: [
        { ...container, name: 'i' },
        { ...container, name: 's', restartPolicy: 'Always' },
      ],
    }),
    statuses: [
      { phase: 'Pending', initContainerStatuses: [{ ...waiting('PodInitializing'), name: 'i' }] },
      { phase: 'Pending', initContainerStatuses: [{ ...waiting('CrashLoopBackOff'), name: 'i' }] },
      { phase: 'Pending', initContainerStatuses: [{ ...ended({ exitCode: 2 }), name: 'i' }] },
      { phase: 'Pending', initContainerStatuses: [{ ...ended({ exitCode: 0, signal: 4 }), name: 'i' }] },
      { phase: 'Pending', initContainerStatuses: [{ ...ended({ exitCode: 2, reason: 'Error' }), name: 'i' }] },
      {
        phase: 'Running',
        conditions: [condition('Initialized')],
        initContainerStatuses: [
          { ...ended({ exitCode: 0 }), name: 'i' },
          { ...running(true, 2, ended({ exitCode: 1 }).state), name: 's', started: true },
        ],
        containerStatuses: [running(true, 5)],
      },
      {
        phase: 'Running',
        initContainerStatuses: [
          { ...ended({ exitCode: 0 }), name: 'i' },
          { ...running(false), name: 's', started: false },
        ],
        containerStatuses: [waiting('PodInitializing')],
      },
    ],
  },
  {
    path: '/apis/apps/v1/namespaces/{ns}/deployments',
    body: { metadata: { name: 'd' }, spec: { replicas: 3, paused: true, selector, template: labelled } },
    statuses: [{ replicas: 3, readyReplicas: 2, updatedReplicas: 1, availableReplicas: 1 }],
  },
  {
    path: '/apis/apps/v1/namespaces/{ns}/replicasets',
    body: { metadata: { name: 'r' }, spec: { replicas: 0, selector, template: labelled } },
    statuses: [{ replicas: 3, readyReplicas: 2, availableReplicas: 1 }],
  },
  {
    path: '/apis/apps/v1/namespaces/{ns}/daemonsets',
    body: {
      metadata: { name: 'd' },
      spec: { selector, template: { ...labelled, spec: { ...labelled.spec, nodeSelector: { no: 'where', a: 'b' } } } },
    },
    statuses: [{ desiredNumberScheduled: 4, currentNumberScheduled: 3, numberReady: 2, numberMisscheduled: 0 }],
  },
  {
    path: '/apis/apps/v1/namespaces/{ns}/statefulsets',
    body: { metadata: { name: 's' }, spec: { replicas: 0, selector, template: labelled, serviceName: 's' } },
    statuses: [{ replicas: 1, readyReplicas: 1 }],
  },
  {
    path: '/api/v1/namespaces/{ns}/replicationcontrollers',
    body: {
      metadata: { name: 'r' },
      spec: {
        replicas: 0,
        selector: { z: 'b', a: 'b' },
        template: { ...template, metadata: { labels: { a: 'b', z: 'b' } } },
      },
    },
    statuses: [{ replicas: 2, readyReplicas: 1 }],
  },
  {
    path: '/apis/batch/v1/namespaces/{ns}/jobs',
    body: {
      metadata: { name: 'j' },
      spec: { suspend: true, parallelism: 3, template: { spec: { ...template.spec, restartPolicy: 'Never' } } },
    },
    statuses: [
      { succeeded: 1 },
      { conditions: [condition('Suspended')] },
      { startTime: before, conditions: [condition('FailureTarget')] },
      { startTime: before, conditions: [condition('SuccessCriteriaMet')] },
    ],
  },
  {
    path: '/apis/batch/v1/namespaces/{ns}/jobs',
    body: {
      metadata: { name: 'k' },
      spec: { suspend: true, completions: 4, template: { spec: { ...template.spec, restartPolicy: 'Never' } } },
    },
    statuses: [{ succeeded: 2, active: 0 }],
  },
  {
    path: '/apis/batch/v1/namespaces/{ns}/cronjobs',
    body: {
      metadata: { name: 'c' },
      spec: {
        suspend: true,
        schedule: '1 1 1 1 1',
        timeZone: 'Europe/Rome',
        jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
      },
    },
    statuses: [{ lastScheduleTime: before, active: [{ name: 'x' }] }],
  },
  ...[
    { ports: [{ port: 80 }], selector: { a: 'b' } },
    {
      type: 'NodePort',
      ports: [
        { port: 80, name: 'a' },
        { port: 81, name: 'b', protocol: 'UDP' },
      ],
    },
    { type: 'ExternalName', externalName: 'example.org' },
    { clusterIP: 'None' },
    { ports: [{ port: 80 }], externalIPs: ['1.2.3.4', '2.3.4.5'] },
  ].map((spec, index) => ({
    path: '/api/v1/namespaces/{ns}/services',
    body: { metadata: { name: `s${index}` }, spec },
    statuses: [],
  })),
  {
    path: '/api/v1/namespaces/{ns}/services',
    body: { metadata: { name: 'lb' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }], externalIPs: ['9.9.9.9'] } },
    statuses: [{ loadBalancer: { ingress: [{ ip: '8.8.8.8' }, { hostname: 'b.example.org' }, { ip: '1.1.1.1' }] } }],
  },
  {
    path: '/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses',
    body: {
      metadata: { name: 'i' },
      spec: {
        ingressClassName: 'x',
        tls: [{ hosts: ['a.org'] }],
        rules: ['a.org', 'b.org', 'c.org', 'd.org', 'e.org'].map((host) => ({ host })),
      },
    },
    statuses: [{ loadBalancer: { ingress: [{ ip: '8.8.8.8' }, { hostname: 'h.org' }] } }],
  },
  {
    path: '/api/v1/namespaces/{ns}/persistentvolumeclaims',
    body: {
      metadata: { name: 'p' },
      spec: {
        accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
        volumeName: 'v',
        storageClassName: 'x',
        resources: { requests: { storage: '1Gi' } },
      },
    },
    statuses: [
      {
        phase: 'Bound',
        accessModes: ['ReadOnlyMany', 'ReadWriteOnce', 'ReadWriteOncePod'],
        capacity: { storage: '2Gi' },
      },
      { phase: 'Lost' },
    ],
  },
  {
    path: '/api/v1/persistentvolumes',
    body: {
      metadata: { name: 'keelson-tables' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteMany'],
        hostPath: { path: '/x' },
        storageClassName: 's',
        claimRef: { namespace: 'a', name: 'b' },
      },
    },
    statuses: [{ phase: 'Released', reason: 'why' }],
  },
  {
    path: '/api/v1/nodes',
    body: {
      metadata: {
        name: 'keelson-tables',
        labels: { 'node-role.kubernetes.io/z': '', 'node-role.kubernetes.io/a': '', 'kubernetes.io/role': 'm' },
      },
      spec: { unschedulable: true },
    },
    statuses: [
      {
        conditions: [condition('Ready')],
        addresses: [
          { type: 'InternalIP', address: '1.1.1.1' },
          { type: 'ExternalIP', address: '2.2.2.2' },
        ],
      },
      { conditions: [condition('Ready', 'Unknown')] },
      { conditions: [condition('Ready', 'False')] },
    ],
  },
  {
    path: '/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets',
    body: { metadata: { name: 'p' }, spec: { minAvailable: '50%', selector } },
    statuses: [{ disruptionsAllowed: 3, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }],
  },
  {
    path: '/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers',
    body: {
      metadata: { name: 'h' },
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' },
        maxReplicas: 4,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } } },
          { type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '5' } } },
          {
            type: 'Object',
            object: {
              metric: { name: 'o' },
              describedObject: { kind: 'Service', name: 's', apiVersion: 'v1' },
              target: { type: 'Value', value: '5' },
            },
          },
          {
            type: 'External',
            external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '5' } },
          },
          {
            type: 'ContainerResource',
            containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 3 } },
          },
        ],
      },
    },
    statuses: [
      {
        currentReplicas: 2,
        desiredReplicas: 3,
        currentMetrics: [
          { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 20, averageValue: '10m' } } },
          { type: 'Resource', resource: { name: 'memory', current: { averageValue: '50Mi' } } },
        ],
      },
    ],
  },
  ...[
    [
      {
        type: 'Object',
        object: {
          metric: { name: 'o' },
          describedObject: { kind: 'Service', name: 's' },
          target: { type: 'Value', value: '5' },
        },
      },
    ],
    [
      {
        type: 'Object',
        object: {
          metric: { name: 'o' },
          describedObject: { kind: 'Service', name: 's' },
          target: { type: 'AverageValue', averageValue: '5' },
        },
      },
    ],
    [{ type: 'External', external: { metric: { name: 'e' }, target: { type: 'Value', value: '5' } } }],
    [
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'c', target: { type: 'AverageValue', averageValue: '3' } },
      },
    ],
    [{ type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '5' } } }],
  ].map((metrics, index) => ({
    path: '/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers',
    body: {
      metadata: { name: `h${index}` },
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' },
        maxReplicas: 4,
        minReplicas: 2,
        metrics,
      },
    },
    statuses: [],
  })),
  {
    path: '/api/v1/namespaces/{ns}/resourcequotas',
    body: {
      metadata: { name: 'q' },
      spec: { hard: { pods: '5', 'limits.cpu': '3', 'requests.cpu': '1', services: '2' } },
    },
    statuses: [
      { hard: { pods: '5', 'limits.cpu': '3', 'requests.cpu': '1' }, used: { pods: '1', 'requests.cpu': '500m' } },
    ],
  },
  {
    path: '/api/v1/namespaces/{ns}/endpoints',
    body: {
      metadata: { name: 'e' },
      subsets: [
        {
          addresses: [{ ip: '1.2.3.4' }, { ip: '1.2.3.5' }],
          ports: [{ port: 1 }, { port: 2, name: 'x' }].map((each, index) => ({ name: `p${index}`, ...each })),
        },
      ],
    },
    statuses: [],
  },
  {
    path: '/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices',
    body: {
      metadata: { name: 'e' },
      addressType: 'IPv4',
      ports: [{ port: 1, name: 'a' }, { name: 'b' }],
      endpoints: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'].map((each) => ({ addresses: [each] })),
    },
    statuses: [],
  },
  {
    path: '/apis/coordination.k8s.io/v1/namespaces/{ns}/leases',
    body: { metadata: { name: 'l' }, spec: { holderIdentity: 'me' } },
    statuses: [],
  },
  {
    path: '/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies',
    body: { metadata: { name: 'n' }, spec: { podSelector: selector } },
    statuses: [],
  },
  {
    path: '/api/v1/namespaces/{ns}/podtemplates',
    body: { metadata: { name: 'p' }, template },
    statuses: [],
  },
  {
    path: '/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings',
    body: {
      metadata: { name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' },
        { kind: 'Group', name: 'g', apiGroup: 'rbac.authorization.k8s.io' },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      ],
    },
    statuses: [],
  },
  {
    path: '/api/v1/namespaces/{ns}/secrets',
    body: { metadata: { name: 's' }, stringData: { a: 'b', c: 'd' } },
    statuses: [],
  },
  {
    path: '/api/v1/namespaces/{ns}/events',
    body: {
      metadata: { name: 'e', namespace: 'keelson-tables' },
      involvedObject: { kind: 'Pod', name: 'p', namespace: 'keelson-tables', fieldPath: 'spec.containers{c}' },
      ...{ reason: 'R', message: 'm\n', type: 'Normal', count: 3, firstTimestamp: before, lastTimestamp: before },
      source: { component: 'k', host: 'h' },
    },
    statuses: [],
  },
  {
    path: '/apis/resource.k8s.io/v1/namespaces/{ns}/resourceclaims',
    body: { metadata: { name: 'c' }, spec: {} },
    statuses: [],
  },
  {
    path: '/apis/internal.apiserver.k8s.io/v1alpha1/storageversions',
    body: { metadata: { name: 'a.b' }, spec: {} },
    statuses: [
      {
        commonEncodingVersion: 'v1',
        storageVersions: ['a', 'b', 'c', 'd'].map((each) => ({
          apiServerID: each,
          encodingVersion: 'v1',
          decodableVersions: ['v1'],
          servedVersions: ['v1'],
        })),
      },
    ],
  },
];

/** Objects as people write them, with the path to post them to: what the server makes of them shows its defaults. */
export interface CorpusObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

const c = { name: 'a', image: 'b' };
const tmpl = { metadata: { labels: { a: 'b' } }, spec: { containers: [c] } };
const sel = { matchLabels: { a: 'b' } };
export const corpus: readonly (readonly [string, CorpusObject])[] = [
  [
    '/api/v1/namespaces/default/pods',
    {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'p1' },
      spec: {
        containers: [
          {
            ...c,
            ports: [{ containerPort: 80 }],
            livenessProbe: { httpGet: { path: '/', port: 80 } },
            env: [{ name: 'N', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
            lifecycle: { preStop: { httpGet: { port: 3 } } },
            resources: { limits: { cpu: 1, memory: '1Gi' } },
          },
        ],
        initContainers: [{ ...c, name: 'i' }],
        volumes: [
          { name: 'e' },
          { name: 'c', configMap: { name: 'x' } },
          { name: 's', secret: { secretName: 's' } },
          { name: 'h', hostPath: { path: '/x' } },
          { name: 'pr', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
          { name: 'd', downwardAPI: { items: [{ path: 'x', fieldRef: { fieldPath: 'metadata.name' } }] } },
          {
            name: 'ep',
            ephemeral: {
              volumeClaimTemplate: {
                spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
              },
            },
          },
        ],
      },
    },
  ],
  [
    '/api/v1/namespaces/default/pods',
    {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'p2' },
      spec: {
        hostNetwork: true,
        automountServiceAccountToken: false,
        containers: [{ ...c, image: 'b:v1', ports: [{ containerPort: 80 }], resources: { requests: { cpu: '1' } } }],
      },
    },
  ],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    { kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name: 'd1' }, spec: { selector: sel, template: tmpl } },
  ],
  [
    '/apis/apps/v1/namespaces/default/replicasets',
    { kind: 'ReplicaSet', apiVersion: 'apps/v1', metadata: { name: 'r1' }, spec: { selector: sel, template: tmpl } },
  ],
  [
    '/apis/apps/v1/namespaces/default/daemonsets',
    { kind: 'DaemonSet', apiVersion: 'apps/v1', metadata: { name: 'ds1' }, spec: { selector: sel, template: tmpl } },
  ],
  [
    '/apis/apps/v1/namespaces/default/statefulsets',
    {
      kind: 'StatefulSet',
      apiVersion: 'apps/v1',
      metadata: { name: 'ss1' },
      spec: {
        selector: sel,
        template: tmpl,
        serviceName: 'x',
        volumeClaimTemplates: [
          {
            metadata: { name: 'v' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    },
  ],
  [
    '/apis/batch/v1/namespaces/default/jobs',
    {
      kind: 'Job',
      apiVersion: 'batch/v1',
      metadata: { name: 'j1' },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [c] } } },
    },
  ],
  [
    '/apis/batch/v1/namespaces/default/cronjobs',
    {
      kind: 'CronJob',
      apiVersion: 'batch/v1',
      metadata: { name: 'cj1' },
      spec: {
        schedule: '* * * * *',
        jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [c] } } } },
      },
    },
  ],
  [
    '/api/v1/namespaces/default/services',
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: { name: 's1' },
      spec: { ports: [{ port: 80 }], selector: { a: 'b' } },
    },
  ],
  [
    '/api/v1/namespaces/default/services',
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: { name: 's2' },
      spec: {
        type: 'NodePort',
        ports: [
          { port: 80, name: 'x' },
          { port: 81, name: 'y', targetPort: 'foo' },
        ],
      },
    },
  ],
  [
    '/api/v1/namespaces/default/services',
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: { name: 's3' },
      spec: { clusterIP: 'None', ports: [{ port: 80 }], selector: { a: 'b' } },
    },
  ],
  [
    '/api/v1/namespaces/default/services',
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: { name: 's4' },
      spec: { type: 'ExternalName', externalName: 'a.b' },
    },
  ],
  [
    '/api/v1/namespaces/default/services',
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: { name: 's5' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], sessionAffinity: 'ClientIP' },
    },
  ],
  [
    '/api/v1/namespaces/default/configmaps',
    { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'c1' }, data: { a: 'b' } },
  ],
  [
    '/api/v1/namespaces/default/secrets',
    { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'se1' }, stringData: { a: 'b' } },
  ],
  [
    '/api/v1/namespaces/default/endpoints',
    {
      kind: 'Endpoints',
      apiVersion: 'v1',
      metadata: { name: 'en1' },
      subsets: [{ addresses: [{ ip: '1.2.3.4' }], ports: [{ port: 3 }] }],
    },
  ],
  [
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    {
      kind: 'EndpointSlice',
      apiVersion: 'discovery.k8s.io/v1',
      metadata: { name: 'es1' },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['1.2.3.4'] }],
      ports: [{ port: 3 }],
    },
  ],
  ['/api/v1/namespaces', { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'regq-x' } }],
  ['/api/v1/nodes', { kind: 'Node', apiVersion: 'v1', metadata: { name: 'regq-node' } }],
  [
    '/api/v1/namespaces/default/serviceaccounts',
    { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'sa1' } },
  ],
  [
    '/api/v1/persistentvolumes',
    {
      kind: 'PersistentVolume',
      apiVersion: 'v1',
      metadata: { name: 'regq-pv' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
    },
  ],
  [
    '/api/v1/namespaces/default/persistentvolumeclaims',
    {
      kind: 'PersistentVolumeClaim',
      apiVersion: 'v1',
      metadata: { name: 'pvc1' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ],
  [
    '/apis/storage.k8s.io/v1/storageclasses',
    { kind: 'StorageClass', apiVersion: 'storage.k8s.io/v1', metadata: { name: 'regq-sc' }, provisioner: 'a.b/c' },
  ],
  [
    '/apis/storage.k8s.io/v1/csidrivers',
    { kind: 'CSIDriver', apiVersion: 'storage.k8s.io/v1', metadata: { name: 'regq-csi' }, spec: {} },
  ],
  [
    '/apis/storage.k8s.io/v1/csinodes',
    { kind: 'CSINode', apiVersion: 'storage.k8s.io/v1', metadata: { name: 'regq-csinode' }, spec: { drivers: [] } },
  ],
  [
    '/apis/storage.k8s.io/v1/volumeattachments',
    {
      kind: 'VolumeAttachment',
      apiVersion: 'storage.k8s.io/v1',
      metadata: { name: 'regq-va' },
      spec: { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: 'p' } },
    },
  ],
  [
    '/api/v1/namespaces/default/events',
    {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: { name: 'ev1' },
      involvedObject: { kind: 'Pod', name: 'x', namespace: 'default' },
      reason: 'R',
      message: 'm',
      type: 'Normal',
    },
  ],
  [
    '/apis/events.k8s.io/v1/namespaces/default/events',
    {
      kind: 'Event',
      apiVersion: 'events.k8s.io/v1',
      metadata: { name: 'ev2' },
      regarding: { kind: 'Pod', name: 'x', namespace: 'default' },
      reason: 'R',
      note: 'm',
      type: 'Normal',
      eventTime: '2026-01-01T00:00:00.123456Z',
      action: 'A',
      reportingController: 'a/b',
      reportingInstance: 'i',
    },
  ],
  [
    '/apis/coordination.k8s.io/v1/namespaces/default/leases',
    {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { name: 'l1' },
      spec: { holderIdentity: 'me', leaseDurationSeconds: 4, renewTime: '2026-01-01T00:00:00.500000Z' },
    },
  ],
  [
    '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
    {
      kind: 'Ingress',
      apiVersion: 'networking.k8s.io/v1',
      metadata: { name: 'in1' },
      spec: {
        rules: [
          {
            host: 'a.b',
            http: {
              paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'x', port: { number: 80 } } } }],
            },
          },
        ],
      },
    },
  ],
  [
    '/apis/networking.k8s.io/v1/ingressclasses',
    {
      kind: 'IngressClass',
      apiVersion: 'networking.k8s.io/v1',
      metadata: { name: 'regq-ic' },
      spec: { controller: 'a.b/c', parameters: { kind: 'A', name: 'b' } },
    },
  ],
  [
    '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies',
    {
      kind: 'NetworkPolicy',
      apiVersion: 'networking.k8s.io/v1',
      metadata: { name: 'np1' },
      spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }], egress: [{}] },
    },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
    {
      kind: 'Role',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name: 'ro1' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    { kind: 'ClusterRole', apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'regq-cr' } },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings',
    {
      kind: 'RoleBinding',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name: 'rb1' },
      roleRef: { kind: 'Role', name: 'ro1' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's', namespace: 'default' },
      ],
    },
  ],
  [
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    {
      kind: 'PodDisruptionBudget',
      apiVersion: 'policy/v1',
      metadata: { name: 'pdb1' },
      spec: { minAvailable: 1, selector: sel },
    },
  ],
  [
    '/apis/scheduling.k8s.io/v1/priorityclasses',
    { kind: 'PriorityClass', apiVersion: 'scheduling.k8s.io/v1', metadata: { name: 'regq-pc' }, value: 4 },
  ],
  [
    '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
    {
      kind: 'HorizontalPodAutoscaler',
      apiVersion: 'autoscaling/v2',
      metadata: { name: 'h1' },
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' },
        behavior: { scaleDown: { policies: [{ type: 'Pods', value: 1, periodSeconds: 3 }] } },
      },
    },
  ],
  [
    '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers',
    {
      kind: 'HorizontalPodAutoscaler',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'h2' },
      spec: {
        maxReplicas: 3,
        targetCPUUtilizationPercentage: 50,
        scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' },
      },
    },
  ],
  [
    '/api/v1/namespaces/default/limitranges',
    {
      kind: 'LimitRange',
      apiVersion: 'v1',
      metadata: { name: 'lr1' },
      spec: { limits: [{ type: 'Pod', max: { cpu: '2' } }] },
    },
  ],
  [
    '/api/v1/namespaces/default/resourcequotas',
    { kind: 'ResourceQuota', apiVersion: 'v1', metadata: { name: 'rq1' }, spec: { hard: { 'count/foos': '2' } } },
  ],
  [
    '/api/v1/namespaces/default/replicationcontrollers',
    { kind: 'ReplicationController', apiVersion: 'v1', metadata: { name: 'rc1' }, spec: { template: tmpl } },
  ],
  [
    '/api/v1/namespaces/default/podtemplates',
    { kind: 'PodTemplate', apiVersion: 'v1', metadata: { name: 'pt1' }, template: tmpl },
  ],
  [
    '/apis/node.k8s.io/v1/runtimeclasses',
    { kind: 'RuntimeClass', apiVersion: 'node.k8s.io/v1', metadata: { name: 'regq-rc' }, handler: 'x' },
  ],
  [
    '/apis/apps/v1/namespaces/default/controllerrevisions',
    { kind: 'ControllerRevision', apiVersion: 'apps/v1', metadata: { name: 'cr1' }, revision: 3, data: { a: 1 } },
  ],
  [
    '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
    {
      kind: 'ValidatingWebhookConfiguration',
      apiVersion: 'admissionregistration.k8s.io/v1',
      metadata: { name: 'regq-vw' },
      webhooks: [
        {
          name: 'a.b.c',
          clientConfig: { url: 'https://127.0.0.1:1/x' },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          rules: [{ apiGroups: ['regq.foo'], apiVersions: ['v1'], resources: ['x'], operations: ['CREATE'] }],
        },
      ],
    },
  ],
  [
    '/apis/certificates.k8s.io/v1/certificatesigningrequests',
    {
      kind: 'CertificateSigningRequest',
      apiVersion: 'certificates.k8s.io/v1',
      metadata: { name: 'regq-csr' },
      spec: { request: '', signerName: 'a.b/c', usages: ['client auth'] },
    },
  ],
  [
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    {
      kind: 'CustomResourceDefinition',
      apiVersion: 'apiextensions.k8s.io/v1',
      metadata: { name: 'foos.regq.dev' },
      spec: {
        group: 'regq.dev',
        scope: 'Namespaced',
        names: { plural: 'foos', kind: 'Foo' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } },
              },
            },
          },
        ],
      },
    },
  ],
];

import type { Base } from '../base.ts';

const at = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
const selector = { matchLabels: { a: 'b' } };

export const autoscalingBases: readonly Base[] = [
  {
    path: at('v2'),
    updates: true,
    body: {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'autoscaler' },
      spec: {
        scaleTargetRef: target,
        minReplicas: 2,
        maxReplicas: 5,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          {
            type: 'Pods',
            pods: { metric: { name: 'm', selector }, target: { type: 'AverageValue', averageValue: '10' } },
          },
          {
            type: 'Object',
            object: {
              describedObject: target,
              metric: { name: 'm', selector },
              target: { type: 'Value', value: '10' },
            },
          },
          {
            type: 'External',
            external: { metric: { name: 'm', selector }, target: { type: 'AverageValue', averageValue: '10' } },
          },
          {
            type: 'ContainerResource',
            containerResource: { name: 'cpu', container: 'c', target: { type: 'AverageValue', averageValue: '100m' } },
          },
        ],
        behavior: {
          scaleUp: {
            stabilizationWindowSeconds: 10,
            selectPolicy: 'Max',
            tolerance: '0.1',
            policies: [
              { type: 'Pods', value: 4, periodSeconds: 15 },
              { type: 'Percent', value: 100, periodSeconds: 15 },
            ],
          },
          scaleDown: {
            stabilizationWindowSeconds: 10,
            selectPolicy: 'Min',
            policies: [{ type: 'Percent', value: 10, periodSeconds: 15 }],
          },
        },
      },
    },
    more: [
      ['/spec/minReplicas', 6],
      ['/spec/behavior/scaleUp/stabilizationWindowSeconds', 3601],
      ['/spec/behavior/scaleUp/policies/0/periodSeconds', 1801],
      ['/spec/behavior/scaleUp/tolerance', '-1'],
      ['/spec/behavior/scaleUp', { selectPolicy: 'Disabled' }],
      ['/spec/behavior/scaleDown', {}],
      ['/spec/behavior/scaleUp', { policies: [] }],
      [
        '/spec/metrics/0',
        { type: 'Resource', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } } },
      ],
      ['/spec/metrics/0/resource/target', { type: 'Utilization', averageUtilization: 50, averageValue: '3' }],
      ['/spec/metrics/0/resource/target', { type: 'Value', value: '3' }],
      ['/spec/metrics/0/resource/target', { type: 'Utilization' }],
      ['/spec/metrics/0/resource/target', { type: 'AverageValue', averageValue: '0' }],
      ['/spec/metrics/0/resource/target', { type: 'AverageValue', averageValue: '-1' }],
      ['/spec/metrics/1/pods/target', { type: 'Value', value: '3' }],
      ['/spec/metrics/1/pods/target', { type: 'AverageValue', averageValue: '0' }],
      ['/spec/metrics/2/object/target', { type: 'Utilization', averageUtilization: 3 }],
      ['/spec/metrics/2/object/target', { type: 'Value', value: '3', averageValue: '3' }],
      ['/spec/metrics/3/external/target', { type: 'Value', value: '3', averageValue: '3' }],
      ['/spec/metrics/3/external/target', { type: 'Utilization', averageUtilization: 3 }],
      ['/spec/metrics/3/external/target', { type: 'Value', value: '-3' }],
      ['/spec/metrics/4/containerResource/target', { type: 'Utilization', averageUtilization: 3, averageValue: '3' }],
      ['/spec/metrics/0/resource/name', 'memory'],
      ['/spec/scaleTargetRef/apiVersion', 'a/b/c'],
      ['/spec/scaleTargetRef/kind', 'a/b'],
      ['/spec/scaleTargetRef/name', '..'],
      ['/spec/metrics/1/pods/metric/name', 'a/b'],
      ['/spec/metrics/1/pods/metric/name', 'A%b'],
    ],
    status: {
      observedGeneration: 1,
      lastScaleTime: '2020-01-01T00:00:00Z',
      currentReplicas: 1,
      desiredReplicas: 2,
      conditions: [{ type: 'X', status: 'True', reason: 'R', message: 'm' }],
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageValue: '1' } } }],
    },
  },
  {
    path: at('v1'),
    updates: true,
    body: {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'autoscaler1' },
      spec: { scaleTargetRef: target, minReplicas: 2, maxReplicas: 5, targetCPUUtilizationPercentage: 30 },
    },
    more: [['/spec/minReplicas', 6]],
    status: { currentReplicas: 1, desiredReplicas: 2, currentCPUUtilizationPercentage: 5 },
  },
  {
    path: at('v2'),
    body: {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'small' },
      spec: { scaleTargetRef: { kind: 'ReplicationController', name: 'd' }, maxReplicas: 5 },
    },
    more: [
      ['/spec/minReplicas', 0],
      ['/spec/behavior', { scaleUp: { policies: [] } }],
      ['/spec/behavior', {}],
    ],
  },
];

import type { Base } from '../base.ts';

export const policyBases: readonly Base[] = [
  {
    path: '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    updates: true,
    body: {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'budget' },
      spec: {
        minAvailable: 1,
        selector: { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] },
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      },
    },
    more: [
      ['/spec/maxUnavailable', 1],
      ['/spec/minAvailable', '10%'],
      ['/spec/minAvailable', '101%'],
      ['/spec/minAvailable', 'x'],
      ['/spec', { maxUnavailable: '200%' }],
      ['/spec', { maxUnavailable: -1 }],
      ['/spec/selector/matchLabels', { 'pdb.kubernetes.io/x': 'y' }],
    ],
    status: {
      observedGeneration: 1,
      disruptedPods: { p: '2020-01-01T00:00:00Z' },
      disruptionsAllowed: 1,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: 'True',
          reason: 'R',
          message: 'm',
          lastTransitionTime: '2020-01-01T00:00:00Z',
          observedGeneration: 1,
        },
      ],
    },
  },
];

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { definitionOf } from '../schema/index.ts';
import { chanceFrom, randomBody } from '../schema/random-value.test-data.ts';
import { builtinKinds } from './builtin-kinds.ts';
import type { Kind } from './kind.ts';
import { servedVersions } from './runtime-config.ts';

const kinds = builtinKinds([], servedVersions({ 'api/all': true }));
const byStore = new Map<string, Kind[]>();
for (const kind of kinds) byStore.set(kind.prefix, [...(byStore.get(kind.prefix) ?? []), kind]);
const several = [...byStore.values()].filter((each) => each.length > 1);

const json = (value: object): Record<string, unknown> => JSON.parse(JSON.stringify(value));
const body = (kind: Kind, seed: number) => {
  const { group, version, kind: name } = kind.served;
  return json(randomBody(definitionOf(group, version, name) ?? '', chanceFrom(seed), { a: 'b' }));
};

describe('versions of one kind', () => {
  it('are those whose objects are shared', () => {
    expect(several.map((each) => each.map(({ apiVersion }) => apiVersion).join(' ')).sort()).toEqual([
      'admissionregistration.k8s.io/v1beta1 admissionregistration.k8s.io/v1alpha1',
      'admissionregistration.k8s.io/v1beta1 admissionregistration.k8s.io/v1alpha1',
      'autoscaling/v2 autoscaling/v1',
      'coordination.k8s.io/v1beta1 coordination.k8s.io/v1alpha2',
      'networking.k8s.io/v1 networking.k8s.io/v1beta1',
      'networking.k8s.io/v1 networking.k8s.io/v1beta1',
      'resource.k8s.io/v1 resource.k8s.io/v1beta2 resource.k8s.io/v1beta1',
      'resource.k8s.io/v1 resource.k8s.io/v1beta2 resource.k8s.io/v1beta1',
      'resource.k8s.io/v1 resource.k8s.io/v1beta2 resource.k8s.io/v1beta1',
      'resource.k8s.io/v1 resource.k8s.io/v1beta2 resource.k8s.io/v1beta1',
      'storage.k8s.io/v1 storage.k8s.io/v1beta1',
      'v1 events.k8s.io/v1',
    ]);
  });

  it.each(
    several.flatMap((versions) => versions.map((kind) => [`${kind.apiVersion} ${kind.served.kind}`, kind] as const)),
  )('what is stored from %s reads back the same, however often', (_, kind) => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const once = kind.view(kind.decode(body(kind, seed)).object);
        const again = kind.view(kind.decode(json(once)).object);
        const third = kind.view(kind.decode(json(again)).object);
        expect(json(third)).toEqual(json(again));
      }),
      { numRuns: 30 },
    );
  });

  it('writes what autoscaling/v1 does not know into annotations, in the words of the real server', () => {
    const kind = kinds.find(({ apiVersion }) => apiVersion === 'autoscaling/v1');
    const scaleTargetRef = { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' };
    const resource = (name: string, target: object) => ({ type: 'Resource', resource: { target, name } });
    const stored = {
      kind: 'HorizontalPodAutoscaler',
      apiVersion: 'autoscaling/v2',
      metadata: { name: 'a', annotations: { x: 'y' } },
      spec: {
        scaleTargetRef,
        maxReplicas: 3,
        metrics: [
          resource('memory', { type: 'AverageValue', averageValue: '100Mi' }),
          resource('cpu', { type: 'Utilization', averageUtilization: 50 }),
          {
            type: 'Object',
            object: {
              target: { averageValue: '8', type: 'AverageValue' },
              metric: { name: 'o2', selector: { matchLabels: { b: '1', a: '2' } } },
              describedObject: { name: 's', kind: 'Service' },
            },
          },
        ],
        behavior: {
          scaleUp: { policies: [{ value: 1, type: 'Pods', periodSeconds: 60 }], stabilizationWindowSeconds: 0 },
        },
      },
      status: { desiredReplicas: 0, currentMetrics: null },
    };
    expect(kind?.view(stored)).toMatchObject({
      apiVersion: 'autoscaling/v1',
      metadata: {
        annotations: {
          x: 'y',
          'autoscaling.alpha.kubernetes.io/behavior':
            '{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":null,"Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":60}],"Tolerance":null},"ScaleDown":null}',
          'autoscaling.alpha.kubernetes.io/metrics':
            '[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"100Mi"}},{"type":"Object","object":{"target":{"kind":"Service","name":"s"},"metricName":"o2","targetValue":"0","selector":{"matchLabels":{"a":"2","b":"1"}},"averageValue":"8"}}]',
        },
      },
      spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
      status: { currentReplicas: 0, desiredReplicas: 0 },
    });
  });
});

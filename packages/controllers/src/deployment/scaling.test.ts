import { wellKnown } from '@keelson/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deployment, replicaSet } from '../pod-control/test-objects.ts';
import { totalReplicas } from './replica-math.ts';
import { isScalingEvent, scaleAll } from './scaling.ts';

const sized = (desired: number, max: number) => ({
  [wellKnown.deploymentDesiredReplicas]: String(desired),
  [wellKnown.deploymentMaxReplicas]: String(max),
});
const names = (moves: ReturnType<typeof scaleAll>) =>
  Object.fromEntries(moves.map(({ replicaSet: each, replicas }) => [each.metadata.name, replicas]));

describe('scaling', () => {
  it('is noticed by the annotation of an active ReplicaSet', () => {
    const current = replicaSet('new', 3, { annotations: sized(3, 4) });
    expect(isScalingEvent(deployment(3), [current])).toBe(false);
    expect(isScalingEvent(deployment(5), [current])).toBe(true);
    expect(isScalingEvent(deployment(5), [replicaSet('idle', 0, { annotations: sized(3, 4) })])).toBe(false);
  });

  it('goes to the one that is active, or else to the newest', () => {
    expect(names(scaleAll(deployment(5), replicaSet('new', 3), [replicaSet('old', 0)]))).toEqual({ new: 5 });
    expect(names(scaleAll(deployment(5), undefined, [replicaSet('a', 0, { age: 9 }), replicaSet('b', 0)]))).toEqual({
      b: 5,
    });
  });

  it('leaves nothing to the old when the new one is complete', () => {
    const current = replicaSet('new', 5, { annotations: sized(5, 7) });
    expect(names(scaleAll(deployment(5), current, [replicaSet('old', 2)]))).toEqual({ old: 0 });
  });

  it('is proportional amid a rollout, the rest to the largest', () => {
    // kubernetes.io/docs/concepts/workloads/controllers/deployment/#proportional-scaling
    const scaled = deployment(15, {
      spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } },
    });
    const old = replicaSet('old', 8, { age: 10, annotations: sized(10, 13) });
    const current = replicaSet('new', 5, { available: 0, annotations: sized(10, 13) });
    expect(names(scaleAll(scaled, current, [old]))).toEqual({ old: 11, new: 7 });
  });

  it('uses up what is allowed, exactly', () => {
    const size = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 40 }), (a, b, after) => {
        const annotations = sized(a + b - 1, a + b);
        const wanted = deployment(after, {
          spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
        });
        const current = replicaSet('new', b, { available: 0, annotations });
        const moves = scaleAll(wanted, current, [replicaSet('old', a, { annotations, age: 5 })]);
        expect(moves.every(({ replicas }) => replicas >= 0)).toBe(true);
        expect(
          totalReplicas(moves.map(({ replicaSet: each, replicas }) => replicaSet(each.metadata.name, replicas))),
        ).toBe(after + 1);
      }),
    );
  });
});

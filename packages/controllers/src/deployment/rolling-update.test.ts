import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deployment, replicaSet } from '../pod-control/test-objects.ts';
import { fenceposts } from './replica-math.ts';
import { newReplicas, resizeNew, resizeOld } from './rolling-update.ts';

const rolling = (maxSurge: number | string, maxUnavailable: number | string) => ({
  spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
});

describe('fenceposts', () => {
  it('round surge up and unavailability down', () => {
    expect(fenceposts(deployment(3))).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    expect(fenceposts(deployment(10))).toEqual({ maxSurge: 3, maxUnavailable: 2 });
    expect(fenceposts(deployment(10, rolling(2, '50%')))).toEqual({ maxSurge: 2, maxUnavailable: 5 });
  });

  it('leave one move when both come to nothing', () => {
    expect(fenceposts(deployment(3, rolling('0%', '10%')))).toEqual({ maxSurge: 0, maxUnavailable: 1 });
    expect(fenceposts(deployment(0, rolling('0%', '10%')))).toEqual({ maxSurge: 0, maxUnavailable: 0 });
  });

  it('never exceed the desired number', () => {
    expect(fenceposts(deployment(2, rolling(0, 7)))).toEqual({ maxSurge: 0, maxUnavailable: 2 });
  });
});

describe('a rolling update', () => {
  it('starts with the surge', () => {
    expect(newReplicas(deployment(3), [replicaSet('old', 3)], 0)).toBe(1);
    expect(newReplicas(deployment(5), [replicaSet('old', 5)], 0)).toBe(2);
  });

  it('scales the new one down when it is too large', () => {
    const current = replicaSet('new', 5);
    expect(resizeNew(deployment(3), current, [current])?.replicas).toBe(3);
  });

  it('takes unavailable old pods first, from the oldest', () => {
    const oldest = replicaSet('a', 3, { available: 1, age: 100 });
    const older = replicaSet('b', 3, { available: 3, age: 50 });
    const current = replicaSet('new', 1, { available: 1 });
    const moves = resizeOld(deployment(6, rolling(1, 2)), current, [older, oldest]);
    expect(moves.map(({ replicaSet: { metadata }, replicas }) => [metadata.name, replicas])).toEqual([['a', 0]]);
  });

  it('ends, and keeps its promises on the way, whatever the numbers', () => {
    const percentage = fc.integer({ min: 0, max: 100 }).map((value) => `${value}%`);
    const number = fc.integer({ min: 0, max: 12 });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        fc.oneof(number, percentage),
        fc.oneof(number, percentage),
        (replicas, maxSurge, maxUnavailable) => {
          const wanted = deployment(replicas, rolling(maxSurge, maxUnavailable));
          const limits = fenceposts(wanted);
          let old = replicaSet('old', replicas);
          let current = replicaSet('new', newReplicas(wanted, [old], 0), { available: 0 });
          for (let step = 0; step < 100; step++) {
            const growth = resizeNew(wanted, current, [old, current]);
            const shrinking = growth === undefined ? resizeOld(wanted, current, [old]) : [];
            if (
              growth === undefined &&
              shrinking.length === 0 &&
              (current.status?.availableReplicas ?? 0) === current.spec.replicas
            )
              break;
            if (growth !== undefined)
              current = replicaSet('new', growth.replicas, { available: current.status?.availableReplicas ?? 0 });
            else if (shrinking[0] !== undefined) old = replicaSet('old', shrinking[0].replicas);
            else current = replicaSet('new', current.spec.replicas ?? 0);
            const available = (old.status?.availableReplicas ?? 0) + (current.status?.availableReplicas ?? 0);
            expect((old.spec.replicas ?? 0) + (current.spec.replicas ?? 0)).toBeLessThanOrEqual(
              replicas + limits.maxSurge,
            );
            expect(available).toBeGreaterThanOrEqual(replicas - limits.maxUnavailable);
          }
          expect([old.spec.replicas, current.spec.replicas]).toEqual([0, replicas]);
        },
      ),
    );
  });
});

import type { PodDisruptionBudget } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { at, meta, ms, pod } from '../pod-control/test-objects.ts';
import { budgetStatus, disruptedPods, expectationOf, healthyPods } from './budget-status.ts';

const budget = (spec: PodDisruptionBudget['spec'], status?: PodDisruptionBudget['status']): PodDisruptionBudget => ({
  metadata: meta('b'),
  spec,
  ...(status && { status }),
});

describe('a disruption budget', () => {
  it('asks for a share of what the owners want, or for a number', () => {
    expect(expectationOf(budget({ maxUnavailable: 1 }), 3)).toEqual({ expected: 3, desired: 2 });
    expect(expectationOf(budget({ maxUnavailable: '50%' }), 3)).toEqual({ expected: 3, desired: 1 });
    expect(expectationOf(budget({ minAvailable: '50%' }), 3)).toEqual({ expected: 3, desired: 2 });
    expect(expectationOf(budget({ minAvailable: 5 }), 3)).toEqual({ expected: 3, desired: 5 });
  });

  it('lets nothing go while nothing is expected', () => {
    const status = budgetStatus(budget({ minAvailable: 0 }), { expected: 0, desired: 0 }, 0, {}, at(0));
    expect(status).toMatchObject({
      disruptionsAllowed: 0,
      conditions: [{ status: 'False', reason: 'InsufficientPods' }],
    });
    expect(budgetStatus(budget({}), { expected: 3, desired: 2 }, 3, {}, at(0)).disruptionsAllowed).toBe(1);
  });

  it('counts an announced pod as gone, for two minutes', () => {
    const announced = budget(
      {},
      {
        currentHealthy: 2,
        desiredHealthy: 1,
        disruptionsAllowed: 0,
        expectedPods: 2,
        disruptedPods: { a: at(0), gone: at(0) },
      },
    );
    const pods = [pod('a', { readyAt: 0 }), pod('b', { readyAt: 0 })];
    const found = disruptedPods(announced, pods, ms(60));
    expect(found).toMatchObject({ pods: { a: at(0) }, recheckMs: 60_000, overdue: [] });
    expect(healthyPods(pods, found.pods)).toBe(1);
    expect(disruptedPods(announced, pods, ms(121))).toMatchObject({ pods: {}, overdue: [{ metadata: { name: 'a' } }] });
  });
});

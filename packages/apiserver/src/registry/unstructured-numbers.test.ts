import { describe, expect, it } from 'vitest';
import { withWrappedIntegers } from './unstructured-numbers.ts';

const controller = 'io.k8s.api.core.v1.ReplicationController';

describe('integers that were read without their type', () => {
  it('keep the lowest bits, as a real v1.35 answers', () => {
    const replicas = (value: number) => withWrappedIntegers(controller, { spec: { replicas: value } });
    for (const [given, kept] of [
      [9007199254740992, 0],
      [2147483648, -2147483648],
      [4294967297, 1],
      [-1e30, 0],
      [1.5, 1.5],
    ] as const) {
      expect(replicas(given)).toEqual({ spec: { replicas: kept } });
    }
  });

  it('do so wherever they stand, and the rest is shared', () => {
    const container = { name: 'c', ports: [{ containerPort: 4294967376 }] };
    const spec = { terminationGracePeriodSeconds: 2 ** 64, containers: [container] };
    expect(withWrappedIntegers('io.k8s.api.core.v1.PodSpec', spec)).toEqual({
      terminationGracePeriodSeconds: -(2 ** 63),
      containers: [{ name: 'c', ports: [{ containerPort: 80 }] }],
    });
    const fits = { spec: { replicas: 3 } };
    expect(withWrappedIntegers(controller, fits)).toBe(fits);
  });
});

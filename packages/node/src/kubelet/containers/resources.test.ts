import type { Pod, ResourceRequirements } from '@keelson/core/api';
import { describe, expect, it } from 'vitest';
import {
  containerResourceValue,
  cpuQuota,
  cpuShares,
  oomScoreAdj,
  podLimits,
  podRequests,
  qosClass,
} from './resources.ts';

const container = (name: string, resources: ResourceRequirements = {}) => ({ name, image: 'x', resources });
const pod = (spec: Partial<Pod['spec']>): Pod => ({ metadata: { name: 'p' }, spec: { containers: [], ...spec } });

describe('resources', () => {
  it.each([
    [{}, 'BestEffort'],
    [{ requests: { cpu: '0' } }, 'BestEffort'],
    [{ requests: { cpu: '1m' } }, 'Burstable'],
    [{ limits: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } }, 'Guaranteed'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }, 'Burstable'],
  ])('%j is %s', (resources, expected) =>
    expect(qosClass(pod({ containers: [container('a', resources)] }))).toBe(expected));

  it('takes the larger of containers with sidecars and each init container with the sidecars before it', () => {
    const cpu = (amount: string) => ({ requests: { cpu: amount } });
    const one = pod({
      initContainers: [
        container('i', cpu('2')),
        { ...container('s', cpu('100m')), restartPolicy: 'Always' },
        container('j', cpu('3')),
      ],
      containers: [container('a', cpu('1')), container('b', cpu('500m'))],
      overhead: { cpu: '10m' },
    });
    expect(podRequests(one).get('cpu')).toBe(3110);
  });

  it('has a limit only where every container has one', () => {
    const both = pod({
      containers: [
        container('a', { limits: { cpu: '1', memory: '1Ki' } }),
        container('b', { limits: { memory: '1Ki' } }),
      ],
    });
    expect([...podLimits(both)]).toEqual([['memory', 2048]]);
  });

  it('turns CPU into shares and quota', () => {
    expect([0, 1, 250, 1000, 1e9].map(cpuShares)).toEqual([2, 2, 256, 1024, 262_144]);
    expect([0, 1, 250, 2000].map(cpuQuota)).toEqual([0, 1000, 25_000, 200_000]);
  });

  it('orders who is killed first', () => {
    const of = (resources: ResourceRequirements) => {
      const c = container('a', resources);
      return oomScoreAdj(pod({ containers: [c] }), c, 4 * 2 ** 30);
    };
    expect(of({})).toBe(1000);
    expect(of({ limits: { cpu: '1', memory: '1Gi' } })).toBe(-997);
    expect(of({ requests: { memory: '1Gi' } })).toBe(750);
    expect(of({ requests: { cpu: '1' } })).toBe(999);
    expect(of({ requests: { memory: '4Gi' } })).toBe(3);
  });

  it('gives resource fields by their divisor, and the node where there is no limit', () => {
    const c = container('a', { limits: { cpu: '250m', memory: '64Mi' } });
    const value = (resource: string, divisor?: string, from = c) =>
      containerResourceValue(from, { resource, ...(divisor && { divisor }) }, { cpu: '4', memory: '8Gi' });
    expect([
      value('limits.cpu'),
      value('limits.cpu', '1m'),
      value('requests.cpu', '1m'),
      value('limits.memory', '1Mi'),
      value('limits.memory', '0'),
    ]).toEqual(['1', '250', '250', '64', '67108864']);
    expect(value('limits.cpu', '1', container('b'))).toBe('4');
    expect(() => value('nonsense.cpu')).toThrow('unsupported container resource');
  });
});

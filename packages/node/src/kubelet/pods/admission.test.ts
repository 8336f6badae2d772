import type { Container, Node, Pod } from '@keelson/core/api';
import { describe, expect, it } from 'vitest';
import { admitPod } from './admission.ts';

const node: Node = { metadata: { name: 'n', labels: { disktype: 'ssd', size: '5' } }, spec: {} };
const allocatable = { cpu: '2', memory: '1Gi', pods: '3' };
const pod = (spec: Partial<Pod['spec']> = {}, container: Partial<Container> = {}): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'a', image: 'x', ...container }], ...spec },
});
const asks = (cpu: string) => pod({}, { resources: { requests: { cpu } } });
const admit = (one: Pod, others: readonly Pod[] = []) => admitPod(one, node, others, allocatable);
const affinity = (key: string, operator: string, values: readonly string[] = []) =>
  pod({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
        },
      },
    },
  });

describe('admission of a pod', () => {
  it('lets in what fits', () => expect(admit(asks('1'), [asks('1')])).toBeUndefined());
  it('counts CPU in thousandths', () => {
    expect(admit(asks('1500m'), [asks('1')])).toEqual({
      reason: 'OutOfcpu',
      message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
    });
  });
  it('counts pods', () => expect(admit(pod(), [pod(), pod(), pod()])?.reason).toBe('OutOfpods'));
  it('counts resources that somebody gave the node, and passes over those that no node has', () => {
    const asking = pod({}, { resources: { limits: { 'example.com/gpu': '2' } } });
    expect(admit(asking)).toBeUndefined();
    const given = { ...node, status: { allocatable: { 'example.com/gpu': '3' } } };
    expect(admitPod(asking, given, [], allocatable)).toBeUndefined();
    expect(admitPod(asking, given, [asking], allocatable)?.reason).toBe('OutOfexample.com/gpu');
  });
  it.each([
    ['disktype', 'In', ['ssd'], true],
    ['disktype', 'In', ['hdd'], false],
    ['disktype', 'NotIn', ['hdd'], true],
    ['disktype', 'Exists', [], true],
    ['other', 'DoesNotExist', [], true],
    ['size', 'Gt', ['4'], true],
    ['size', 'Lt', ['4'], false],
    ['other', 'Gt', ['4'], false],
  ] as const)('node affinity %s %s %j: %s', (key, operator, values, fits) => {
    expect(admit(affinity(key, operator, values))?.reason).toBe(fits ? undefined : 'NodeAffinity');
  });
  it('minds the node selector', () =>
    expect(admit(pod({ nodeSelector: { disktype: 'hdd' } }))?.reason).toBe('NodeAffinity'));
  it('gives a host port once, by address and protocol', () => {
    const port = (hostIP: string, protocol = 'TCP') =>
      pod({}, { ports: [{ containerPort: 1, hostPort: 80, hostIP, protocol }] });
    expect(admit(port(''), [port('127.0.0.1')])?.reason).toBe('NodePorts');
    expect(admit(port('127.0.0.2'), [port('127.0.0.1')])).toBeUndefined();
    expect(admit(port('', 'UDP'), [port('')])).toBeUndefined();
  });
});

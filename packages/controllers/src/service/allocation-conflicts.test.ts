import type { Service } from '@keelson/core';
import { expect, it } from 'vitest';
import { at, meta } from '../pod-control/test-objects.ts';
import { clusterIps, conflictsOf, nodePorts } from './allocation-conflicts.ts';

const service = (name: string, age: number, spec: Service['spec']): Service => ({
  metadata: meta(name, { creationTimestamp: at(-age) }),
  spec,
});

it('tells the younger of two that hold the same', () => {
  const spec = { clusterIPs: ['10.0.0.1'], ports: [{ port: 80, nodePort: 30_000 }] };
  const older = service('older', 10, spec);
  const younger = service('younger', 5, spec);
  const holders = { ofIp: () => [older, younger], ofPort: () => [older, younger] };
  expect(conflictsOf(older, holders)).toEqual([]);
  expect(conflictsOf(younger, holders)).toEqual([
    {
      reason: 'ClusterIPAlreadyAllocated',
      message: 'Cluster IP [IPv4]:10.0.0.1 was assigned to multiple services; please recreate service',
    },
    {
      reason: 'PortAlreadyAllocated',
      message: 'Port 30000 was assigned to multiple services; please recreate service',
    },
  ]);
});

it('knows ports by protocol, and headless Services by nothing', () => {
  const both = {
    clusterIP: 'None',
    ports: [
      { port: 53, nodePort: 30_053, protocol: 'UDP' },
      { port: 53, nodePort: 30_053 },
    ],
  };
  expect(nodePorts(service('dns', 0, both))).toEqual(['30053/UDP', '30053/TCP']);
  expect(clusterIps(service('dns', 0, both))).toEqual([]);
});

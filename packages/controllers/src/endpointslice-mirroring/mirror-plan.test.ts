import type { EndpointSlice, Endpoints, Service } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { isMirrored, planMirror } from './mirror-plan.ts';

const service: Service = { metadata: { name: 'm' }, spec: { ports: [{ port: 80 }] } };
const endpoints: Endpoints = {
  metadata: {
    name: 'm',
    namespace: 'default',
    uid: 'u',
    labels: { x: 'z' },
    annotations: { a: 'b', 'endpoints.kubernetes.io/last-change-trigger-time': '2026-11-21T05:57:36Z' },
  },
  subsets: [
    {
      addresses: [{ ip: '10.1.2.3', hostname: 'h', nodeName: 'n1' }, { ip: '2001:db8::1' }],
      notReadyAddresses: [{ ip: '10.1.2.9' }],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    },
    { addresses: [{ ip: '10.1.2.4' }], ports: [{ port: 81, protocol: 'UDP' }] },
  ],
};

describe('mirrored Endpoints', () => {
  it('become a slice for each family and set of ports', () => {
    const plan = planMirror(endpoints, []);
    expect(plan.create.map(({ addressType, endpoints: list, ports }) => [addressType, list?.length, ports])).toEqual([
      ['IPv4', 2, [{ name: 'http', port: 80, protocol: 'TCP' }]],
      ['IPv6', 1, [{ name: 'http', port: 80, protocol: 'TCP' }]],
      ['IPv4', 1, [{ name: '', port: 81, protocol: 'UDP' }]],
    ]);
    expect(plan.create[0]?.metadata).toMatchObject({ generateName: 'm-', annotations: { a: 'b' } });
  });

  it('keep the slices that are right, and lose those that are too much', () => {
    const made = planMirror(endpoints, []).create.map(
      (slice, at): EndpointSlice => ({ ...slice, metadata: { ...slice.metadata, name: `m-${at}` } }),
    );
    expect(planMirror(endpoints, made)).toEqual({ create: [], update: [], delete: [] });
    const fewer = { ...endpoints, subsets: endpoints.subsets?.slice(1) };
    expect(planMirror(fewer, made).delete.map(({ metadata }) => metadata.name)).toEqual(['m-0', 'm-1']);
  });

  it('are left alone where the Service selects pods or the label says so', () => {
    expect(isMirrored(endpoints, service)).toBe(true);
    expect(isMirrored(endpoints, { ...service, spec: { ...service.spec, selector: { a: 'b' } } })).toBe(false);
    const skipped = {
      ...endpoints,
      metadata: { ...endpoints.metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    };
    expect(isMirrored(skipped, service)).toBe(false);
  });
});

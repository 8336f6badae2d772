import type { Endpoint, EndpointSlice, Node, Pod, Service } from '@keelson/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meta, pod } from '../pod-control/test-objects.ts';
import { endpointGroups } from './endpoints-of-service.ts';
import { maxEndpoints, planSlices, type SlicePlan } from './slice-plan.ts';
import { endpointSubsets } from './subsets.ts';

const node = (name: string): Node => ({
  metadata: meta(name, { labels: { 'topology.kubernetes.io/zone': `zone-${name}` } }),
  spec: {},
});
const nodes = (name: string) => (name === 'gone' ? undefined : node(name));
const service = (spec: Partial<Service['spec']> = {}): Service => ({
  metadata: meta('web', { labels: { a: 'b' } }),
  spec: {
    clusterIP: '10.0.0.1',
    ipFamilies: ['IPv4'],
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
    ...spec,
  },
});
const serving = (name: string, ip: string, port = 8080, more: Parameters<typeof pod>[1] = {}): Pod =>
  pod(name, {
    node: 'n1',
    readyAt: 0,
    ip,
    spec: { containers: [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }] }] },
    ...more,
  });

/** What the slices would be after the plan. */
function apply(existing: readonly EndpointSlice[], plan: SlicePlan, prefix: string): readonly EndpointSlice[] {
  const gone = new Set(plan.delete.map(({ metadata }) => metadata.name));
  const updated = new Map(plan.update.map((slice) => [slice.metadata.name, slice]));
  const created = plan.create.map((slice, at) => ({
    ...slice,
    metadata: { ...slice.metadata, name: `${prefix}-${at}` },
  }));
  return [
    ...existing
      .filter(({ metadata }) => !gone.has(metadata.name))
      .map((slice) => updated.get(slice.metadata.name) ?? slice),
    ...created,
  ];
}

const plan = (of: Service, pods: readonly Pod[], existing: readonly EndpointSlice[]) =>
  planSlices(of, endpointGroups(of, pods, nodes), existing);

describe('endpoints', () => {
  it('say where a pod is and what state it is in', () => {
    const headless = service({ clusterIP: 'None' });
    const named = serving('a', '10.1.0.1', 8080, { spec: { containers: [], hostname: 'h', subdomain: 'web' } });
    expect(endpointGroups(headless, [named], nodes)[0]?.endpoints).toEqual([
      {
        addresses: ['10.1.0.1'],
        conditions: { ready: true, serving: true, terminating: false },
        hostname: 'h',
        nodeName: 'n1',
        zone: 'zone-n1',
        targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' },
      },
    ]);
  });

  it('are terminating and still serving while a ready pod goes', () => {
    const going = serving('a', '10.1.0.1', 8080, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    const conditions = (of: Service) => endpointGroups(of, [going], nodes)[0]?.endpoints[0]?.conditions;
    expect(conditions(service())).toEqual({ ready: false, serving: true, terminating: true });
    expect(conditions(service({ publishNotReadyAddresses: true }))).toEqual({
      ready: true,
      serving: true,
      terminating: true,
    });
  });

  it('leave out what cannot be reached', () => {
    const pods = [
      serving('done', '10.1.0.1', 8080, { phase: 'Succeeded' }),
      serving('lost', '10.1.0.2', 8080, { node: 'gone' }),
      pod('unborn', { node: 'n1' }),
      serving('six', 'fd00::1'),
    ];
    expect(endpointGroups(service(), pods, nodes)).toEqual([]);
    expect(endpointGroups(service({ publishNotReadyAddresses: true }), pods, nodes)[0]?.endpoints.length).toBe(1);
    expect(endpointGroups(service({ ipFamilies: ['IPv6'] }), pods, nodes)[0]?.endpoints.length).toBe(1);
  });

  it('are grouped by the numbers behind a named port', () => {
    const groups = endpointGroups(
      service(),
      [serving('a', '10.1.0.1', 8080), serving('b', '10.1.0.2', 9090), serving('c', '10.1.0.3', 8080)],
      nodes,
    );
    expect(groups.map(({ ports, endpoints }) => [ports[0]?.port, endpoints.length])).toEqual([
      [8080, 2],
      [9090, 1],
    ]);
  });
});

describe('slices', () => {
  it('of a Service without endpoints are one, and empty', () => {
    const first = plan(service(), [], []);
    expect(first.create).toEqual([
      {
        metadata: {
          generateName: 'web-',
          namespace: 'default',
          labels: {
            a: 'b',
            'kubernetes.io/service-name': 'web',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          },
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
          ownerReferences: [
            {
              apiVersion: 'v1',
              kind: 'Service',
              name: 'web',
              uid: 'uid-web',
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        addressType: 'IPv4',
        endpoints: [],
        ports: [],
      },
    ]);
    const empty = apply([], first, 's');
    expect(plan(service(), [], empty)).toEqual({ create: [], update: [], delete: [] });
    const filled = plan(service(), [serving('a', '10.1.0.1')], empty);
    expect([filled.create.length, filled.update.length, filled.delete.length]).toEqual([0, 1, 0]);
    expect(filled.update[0]?.metadata.annotations).toEqual({});
  });

  it('of a headless Service say so', () => {
    const labels = plan(service({ clusterIP: 'None' }), [], []).create[0]?.metadata.labels;
    expect(labels?.['service.kubernetes.io/headless']).toBe('');
  });

  it('follow the labels of the Service', () => {
    const slices = apply([], plan(service(), [], []), 's');
    const relabelled = { ...service(), metadata: meta('web', { labels: { c: 'd' } }) };
    expect(plan(relabelled, [], slices).update[0]?.metadata.labels).toMatchObject({ c: 'd' });
  });

  it('always end up right, small enough, and quiet; and one pod costs one write', () => {
    const set = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 250 });
    const toPods = (numbers: readonly number[]) =>
      numbers.map((at) => serving(`p${at}`, `10.1.${at >> 8}.${at & 255}`, at % 7 === 0 ? 9090 : 8080));
    const addresses = (slices: readonly EndpointSlice[]) =>
      slices
        .flatMap((slice) =>
          (slice.endpoints ?? []).map((endpoint: Endpoint) => `${endpoint.addresses[0]} ${slice.ports?.[0]?.port}`),
        )
        .sort();
    const wanted = (pods: readonly Pod[]) =>
      pods.map((each) => `${each.status?.podIP} ${each.spec.containers[0]?.ports?.[0]?.containerPort}`).sort();
    fc.assert(
      fc.property(fc.array(set, { minLength: 1, maxLength: 4 }), (generations) => {
        let slices: readonly EndpointSlice[] = [];
        generations.forEach((numbers, generation) => {
          const pods = toPods(numbers);
          slices = apply(slices, plan(service(), pods, slices), `g${generation}`);
          expect(addresses(slices)).toEqual(wanted(pods));
          expect(Math.max(...slices.map((slice) => slice.endpoints?.length ?? 0))).toBeLessThanOrEqual(maxEndpoints);
          expect(slices.length).toBeGreaterThan(0);
          expect(plan(service(), pods, slices)).toEqual({ create: [], update: [], delete: [] });
          const one = plan(service(), [...pods, serving('one', '10.2.0.1')], slices);
          expect(one.create.length + one.update.length).toBe(1);
        });
      }),
      { numRuns: 30 },
    );
  });
});

describe('the older Endpoints', () => {
  it('hold the same, by state and port, without pods on their way out', () => {
    const unready = serving('b', '10.1.0.2', 9090, { readyAt: undefined, phase: 'Running' });
    const going = serving('c', '10.1.0.3', 8080, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    const two = service({
      ports: [
        { name: 'http', port: 80, targetPort: 'http' },
        { name: 'two', port: 81, targetPort: 99 },
      ],
    });
    const of = (name: string, ip: string) => ({
      ip,
      nodeName: 'n1',
      targetRef: { kind: 'Pod', namespace: 'default', name, uid: `uid-${name}` },
    });
    expect(endpointSubsets(two, [unready, serving('a', '10.1.0.1'), going])).toEqual([
      { addresses: [of('a', '10.1.0.1')], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] },
      {
        addresses: [of('a', '10.1.0.1')],
        notReadyAddresses: [of('b', '10.1.0.2')],
        ports: [{ name: 'two', port: 99, protocol: 'TCP' }],
      },
      { notReadyAddresses: [of('b', '10.1.0.2')], ports: [{ name: 'http', port: 9090, protocol: 'TCP' }] },
    ]);
  });

  it('of a headless Service need no port', () => {
    const headless = service({ clusterIP: 'None', ports: undefined });
    expect(endpointSubsets(headless, [serving('a', '10.1.0.1')])).toMatchObject([{ addresses: [{ ip: '10.1.0.1' }] }]);
  });
});

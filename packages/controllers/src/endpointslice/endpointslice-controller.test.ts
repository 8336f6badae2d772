import { EndpointSlice, Endpoints, Namespace, Node, Pod, Service, systemClock } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readyStatus, startTestCluster, type TestCluster } from '../../test/test-cluster.ts';
import { EndpointsController } from './endpoints-controller.ts';
import { EndpointSliceController } from './endpointslice-controller.ts';
import { endpointSlicePlugin } from './plugin.ts';

let cluster: TestCluster;
let number = 0;
const namespace = () => `eps-${process.pid}-${number}`;
const nodeName = () => `node-${namespace()}`;

beforeEach(async () => {
  number += 1;
  cluster = await startTestCluster({
    controllers: (as) => {
      const { client, informers, clock } = as(endpointSlicePlugin);
      return [new EndpointSliceController(client, informers, clock), new EndpointsController(client, informers)];
    },
  });
  await cluster.client.create(Namespace, { metadata: { name: namespace() }, spec: {} });
  const labels = { 'topology.kubernetes.io/zone': 'z1' };
  await cluster.client.create(Node, { metadata: { name: nodeName(), labels }, spec: {} });
});

afterEach(async () => {
  await cluster.client.delete(Node, { name: nodeName() });
  await cluster[Symbol.asyncDispose]();
});

const createService = (spec: Service['spec']) =>
  cluster.client.create(Service, { metadata: { namespace: namespace(), name: 'web' }, spec });
const createPod = (name: string, port = 8080) =>
  cluster.client.create(Pod, {
    metadata: { namespace: namespace(), name, labels: { app: 'web' } },
    spec: {
      nodeName: nodeName(),
      containers: [{ name: 'main', image: 'image:1', ports: [{ name: 'http', containerPort: port }] }],
    },
  });
const slices = async () =>
  (await cluster.client.list(EndpointSlice, { namespace: namespace() })).items.map(
    ({ endpoints = [], ports = [] }) => ({
      port: ports?.[0]?.port,
      pods: (endpoints ?? []).map(({ targetRef }) => targetRef?.name).sort(),
      ready: (endpoints ?? []).filter(({ conditions }) => conditions?.ready).length,
      zones: [...new Set((endpoints ?? []).map(({ zone }) => zone))],
    }),
  );
const eventually = (check: () => Promise<void>) =>
  waitFor(async () => {
    await check();
    return true;
  });

describe('the endpoints of a Service', { timeout: 30_000 }, () => {
  it('follow its pods', async () => {
    await createService({ selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] });
    await eventually(async () => expect(await slices()).toEqual([{ port: undefined, pods: [], ready: 0, zones: [] }]));
    const first = await createPod('a');
    await createPod('b');
    await eventually(async () =>
      expect(await slices()).toEqual([{ port: 8080, pods: ['a', 'b'], ready: 2, zones: ['z1'] }]),
    );
    await createPod('c', 9090);
    await eventually(async () => {
      const byPort = (await slices()).sort((a, b) => (a.port ?? 0) - (b.port ?? 0));
      expect(byPort.map(({ port, pods }) => [port, pods])).toEqual([
        [8080, ['a', 'b']],
        [9090, ['c']],
      ]);
    });
    const status = readyStatus(first, systemClock);
    await cluster.setPodStatus(first, { ...status, conditions: [{ type: 'Ready', status: 'False' }] });
    await eventually(async () => expect((await slices()).find(({ port }) => port === 8080)?.ready).toBe(1));
    const endpoints = await cluster.client.get(Endpoints, { namespace: namespace(), name: 'web' });
    expect(
      endpoints.subsets?.flatMap(({ notReadyAddresses = [] }) =>
        notReadyAddresses.map(({ targetRef }) => targetRef?.name),
      ),
    ).toEqual(['a']);
    for (const name of ['a', 'b', 'c']) await cluster.client.delete(Pod, { namespace: namespace(), name });
    await eventually(async () => expect(await slices()).toEqual([{ port: undefined, pods: [], ready: 0, zones: [] }]));
    await cluster.client.delete(Service, { namespace: namespace(), name: 'web' });
    await eventually(async () =>
      expect((await cluster.client.list(Endpoints, { namespace: namespace() })).items).toEqual([]),
    );
  });

  it('are left to the user where there is no selector', async () => {
    await createService({ ports: [{ port: 80 }] });
    await createPod('a');
    await eventually(async () =>
      expect((await cluster.client.get(Pod, { namespace: namespace(), name: 'a' })).status?.phase).toBe('Running'),
    );
    expect(await slices()).toEqual([]);
  });
});

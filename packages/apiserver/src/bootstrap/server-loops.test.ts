import {
  APIService,
  type Client,
  CustomResourceDefinition,
  EndpointSlice,
  FlowSchema,
  isStatusError,
  PriorityLevelConfiguration,
  Service,
} from '@keelson/core';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';

let server: TestApiServer;
let client: Client;
const clock = new FakeClock();

beforeEach(async () => {
  server = await startTestApiServer({ clock });
  client = server.client;
});
afterEach(() => server.stop());

const available = async (name: string) =>
  (await client.get(APIService, { name })).status?.conditions?.find((each) => each.type === 'Available');
const gone = async (read: Promise<unknown>) => {
  try {
    await read;
    return false;
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return true;
    throw error;
  }
};

describe('APIServices', () => {
  it('stand for what is built in, with the priorities of Kubernetes', async () => {
    const apps = await client.get(APIService, { name: 'v1.apps' });
    expect(apps.spec).toEqual({ group: 'apps', version: 'v1', groupPriorityMinimum: 17800, versionPriority: 15 });
    expect(apps.metadata.labels).toEqual({ 'kube-aggregator.kubernetes.io/automanaged': 'onstart' });
    expect((await available('v1.'))?.reason).toBe('Local');
  });

  it('come and go with definitions, and come again', async () => {
    const name = 'v1.loops.test';
    const schema = { openAPIV3Schema: { type: 'object' } };
    await client.create(CustomResourceDefinition, {
      metadata: { name: 'bees.loops.test' },
      spec: {
        group: 'loops.test',
        scope: 'Namespaced',
        names: { plural: 'bees', kind: 'Bee' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
    await waitFor(async () => !(await gone(client.get(APIService, { name }))));
    const { uid } = (await client.get(APIService, { name })).metadata;
    await client.delete(APIService, { name });
    await waitFor(async () => {
      const all = await client.list(APIService);
      return all.items.some((each) => each.metadata.name === name && each.metadata.uid !== uid);
    });
    await client.delete(CustomResourceDefinition, { name: 'bees.loops.test' });
    await waitFor(() => gone(client.get(APIService, { name })));
  });

  it('say what their Service lacks', async () => {
    const name = 'v1.other.test';
    const reference = { namespace: 'default', name: 's' };
    await client.create(APIService, {
      metadata: { name },
      spec: {
        group: 'other.test',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 10,
        insecureSkipTLSVerify: true,
        service: reference,
      },
    });
    const until = (reason: string) => waitFor(async () => (await available(name))?.reason === reason);
    await until('ServiceNotFound');
    expect((await available(name))?.message).toBe('service/s in "default" is not present');
    await client.create(Service, { metadata: reference, spec: { ports: [{ name: 'https', port: 443 }] } });
    await until('EndpointsNotFound');
    const slice = { name: 's-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 's' } };
    await client.create(EndpointSlice, { metadata: slice, addressType: 'IPv4', endpoints: [], ports: [] });
    await until('MissingEndpoints');
    await client.delete(EndpointSlice, { name: 's-1', namespace: 'default' });
    await until('EndpointsNotFound');
  });
});

describe('the configuration of flow control', () => {
  it('is there, and is put back within a minute', async () => {
    const levels = await client.list(PriorityLevelConfiguration);
    expect(levels.items).toHaveLength(8);
    expect((await client.list(FlowSchema)).items).toHaveLength(11);
    await client.delete(FlowSchema, { name: 'probes' });
    await waitFor(async () => {
      clock.advance(60_000);
      return !(await gone(client.get(FlowSchema, { name: 'probes' })));
    });
  });

  it('says whether a schema leads nowhere', async () => {
    const dangling = async () =>
      (await client.get(FlowSchema, { name: 'mine' })).status?.conditions?.find((each) => each.type === 'Dangling');
    await client.create(FlowSchema, {
      metadata: { name: 'mine' },
      spec: { priorityLevelConfiguration: { name: 'l' } },
    });
    await waitFor(async () => (await dangling())?.status === 'True');
    await client.create(PriorityLevelConfiguration, {
      metadata: { name: 'l' },
      spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
    });
    await waitFor(async () => (await dangling())?.status === 'False');
    expect((await dangling())?.reason).toBe('Found');
  });
});

import {
  type Client,
  ConfigMap,
  createClient,
  httpTransport,
  isStatusError,
  loadKubeconfig,
  Namespace,
  ResourceQuota,
} from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, eventually } from './cluster-process.ts';

const namespace = 'churn';
const resource = 'count/configmaps';
const most = 1500;

describe('a quota', () => {
  let cluster: ClusterProcess;
  beforeAll(async () => {
    cluster = await ClusterProcess.start({ args: ['--runtime', 'simulated', '--nodes', '0'] });
  });
  afterAll(() => cluster?.remove());

  it('that 64 clients charge without a pause gives back what goes, and nothing else', async () => {
    const connect = async (): Promise<Client> => {
      const transport = httpTransport(await loadKubeconfig(cluster.kubeconfig));
      await transport.raw('GET', '/version');
      return createClient(transport);
    };
    const client = await connect();
    await client.create(Namespace, { metadata: { name: namespace }, spec: {} });
    await client.create(ResourceQuota, {
      metadata: { name: 'room', namespace },
      spec: { hard: { [resource]: String(most) } },
    });
    const quota = () => client.get(ResourceQuota, { name: 'room', namespace });
    await eventually(quota, ({ status }) => status?.used?.[resource] === '1', 'the first count');
    const clients = await Promise.all(Array.from({ length: 64 }, connect));
    let named = 0;
    const until = performance.now() + 6000;
    const churn = async (each: Client) => {
      while (performance.now() < until) {
        const metadata = { name: `c${named++}`, namespace };
        await each.create(ConfigMap, { metadata });
        await each.delete(ConfigMap, metadata);
      }
    };
    await Promise.all(clients.map(churn));
    expect(named).toBeGreaterThan(500);

    const fill = async (each: Client) => {
      for (;;) {
        try {
          await each.create(ConfigMap, { metadata: { name: `c${named++}`, namespace } });
        } catch (error) {
          if (isStatusError(error, 'Forbidden')) return;
          throw error;
        }
      }
    };
    const full = async () => {
      await Promise.all(clients.map(fill));
      return (await client.list(ConfigMap, { namespace })).items.length;
    };
    expect(await eventually(full, (count) => count >= most, 'all the room is given away')).toBe(most);
  });
});

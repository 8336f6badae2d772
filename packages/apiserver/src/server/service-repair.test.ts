import { Event, IPAddress, Service, ServiceCIDR } from '@keelson/core';
import { FakeClock, silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { apiServerUser } from '../registry/api-server-user.ts';
import { ServiceRepair } from './service-repair.ts';
import { startTestApiServer } from './start-test-api-server.ts';

describe('repair of what Services hold', () => {
  it('makes the default range, and puts addresses right on the clock', async () => {
    const clock = new FakeClock();
    const server = await startTestApiServer({ clock });
    const { client } = server;
    try {
      const cidr = await client.get(ServiceCIDR, { name: 'kubernetes' });
      expect(cidr.spec?.cidrs).toEqual(['10.96.0.0/16']);
      expect(cidr.status?.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True' });
      const made = await client.create(Service, {
        metadata: { name: 'a', namespace: 'default' },
        spec: { ports: [{ port: 80 }] },
      });
      const own = made.spec?.clusterIP ?? '';
      await client.delete(IPAddress, { name: own });
      const leaked: IPAddress = {
        metadata: { name: '10.96.9.9', labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
        spec: { parentRef: { resource: 'services', namespace: 'default', name: 'gone' } },
      };
      await client.create(IPAddress, leaked);
      const repair = new ServiceRepair({
        handler: server.handler,
        allocators: server.registry.allocators,
        user: apiServerUser,
        clock,
        logger: silentLogger,
        serviceCidrs: ['10.96.0.0/16'],
      });
      await repair.look();
      const names = async () => (await client.list(IPAddress)).items.map((each) => each.metadata.name).sort();
      expect(await names()).toEqual([own, '10.96.9.9'].sort());
      await clock.advance(61_000);
      await repair.look();
      expect(await names()).toEqual([own]);
      const events = (await client.list(Event, { namespace: 'default' })).items;
      expect(events.map((each) => each.reason)).toContain('ClusterIPNotAllocated');
    } finally {
      await server.stop();
    }
  });
});

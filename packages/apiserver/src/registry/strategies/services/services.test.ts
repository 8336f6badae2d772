import { IPAddress, isStatusError, Service, ServiceCIDR, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../../storage/memory-storage.ts';
import { inProcessTransport } from '../../in-process-transport.ts';
import { ResourceRegistry, type ResourceRegistryOptions } from '../../resource-registry.ts';
import { rangeOf } from './ip-range.ts';
import { planAddressRepair, planPortRepair } from './repair-plan.ts';

function open(storage = new MemoryStorage(), options: Partial<ResourceRegistryOptions> = {}) {
  const registry = new ResourceRegistry({
    storage,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ...options,
  });
  const client = createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] }));
  return { client, registry, storage };
}

const namespace = 'default';
const service = (name: string, spec: Service['spec'] = {}): Service => ({
  metadata: { name, namespace },
  spec: { ports: [{ port: 80 }], ...spec },
});
const addressNames = async (client: ReturnType<typeof open>['client']) =>
  (await client.list(IPAddress)).items.map((each) => each.metadata.name).sort();

describe('addresses and ports of Services', () => {
  it('are held by IPAddresses as long as the Service is there', async () => {
    const { client } = open();
    const made = await client.create(Service, service('a'));
    const name = made.spec?.clusterIP ?? '';
    const held = await client.get(IPAddress, { name });
    expect(held.spec?.parentRef).toEqual({ resource: 'services', namespace, name: 'a' });
    expect(held.metadata.labels).toEqual({
      'ipaddress.kubernetes.io/ip-family': 'IPv4',
      'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
    });
    await client.delete(Service, { namespace, name: 'a' });
    expect(await addressNames(client)).toEqual([]);
  });

  it('go back when the Service is refused, renounces them, or was only tried', async () => {
    const { client } = open();
    const bad = client.create(Service, service('a', { ports: [{ port: 80, name: 'A_' }] }));
    await expect(bad).rejects.toThrow('spec.ports[0].name');
    await client.create(Service, service('b'), { dryRun: ['All'] });
    expect(await addressNames(client)).toEqual([]);
    const made = await client.create(Service, service('c', { type: 'NodePort' }));
    const { clusterIP: _ip, clusterIPs: _ips, ...spec } = made.spec ?? {};
    await client.update(Service, { ...made, spec: { ...spec, type: 'ExternalName', externalName: 'x.y' } });
    expect(await addressNames(client)).toEqual([]);
    const port = made.spec?.ports?.[0]?.nodePort ?? 0;
    await client.create(Service, service('d', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] }));
  });

  // As a real v1.35.4 does.
  it('are not given to who was made by way of the status', async () => {
    const { client, registry } = open();
    const target = { group: '', version: 'v1', resource: 'services', namespace, name: 'a' } as const;
    await registry.handle(
      {
        ...target,
        verb: 'patch',
        subresource: 'status',
        patchType: 'application/apply-patch+yaml',
        body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { ports: [{ port: 80 }] } },
        options: { fieldManager: 'two' },
      },
      { name: 'admin', groups: ['system:masters'] },
    );
    const ref = { namespace, name: 'a' };
    const { spec = {} } = await client.patch(Service, ref, { merge: { metadata: { labels: { a: 'b' } } } });
    expect(spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    expect(spec.clusterIP ?? spec.clusterIPs).toBeUndefined();
    const asked = await client.patch(Service, ref, { merge: { spec: { clusterIP: '10.96.0.1' } } });
    expect(asked.spec?.clusterIPs).toEqual(['10.96.0.1']);
    const external = { spec: { type: 'ExternalName', externalName: 'a.b' } };
    await client.patch(Service, ref, { merge: external });
    const back = await client.patch(Service, ref, { merge: { spec: { type: 'ClusterIP', externalName: null } } });
    expect(back.spec?.clusterIP).toMatch(/^10\./);
  });

  it('are never given twice, by two servers on one store', async () => {
    const storage = new MemoryStorage();
    const options = { serviceCidr: '10.0.0.0/26', nodePortRange: [30000, 30049] as const };
    const servers = [open(storage, options), open(storage, options)];
    const results = await Promise.allSettled(
      Array.from({ length: 70 }, (_, at) =>
        servers[at % 2]?.client.create(Service, service(`s${at}`, { type: at < 40 ? 'NodePort' : 'ClusterIP' })),
      ),
    );
    const made = results.flatMap((each) => (each.status === 'fulfilled' && each.value ? [each.value] : []));
    const refused = results.filter((each) => each.status === 'rejected');
    expect(made.length).toBe(62);
    expect(refused.every((each) => isStatusError(each.reason, 'Invalid'))).toBe(true);
    expect(new Set(made.map((each) => each.spec?.clusterIP)).size).toBe(62);
    const ports = made.flatMap((each) => each.spec?.ports?.[0]?.nodePort ?? []);
    expect(new Set(ports).size).toBe(ports.length);
  }, 20_000);

  it('come from every range that is ready', async () => {
    const { client } = open(undefined, { serviceCidr: '10.0.0.0/30' });
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: '',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const more: ServiceCIDR = { metadata: { name: 'more' }, spec: { cidrs: ['10.9.0.0/29'] } };
    const cidr = await client.create(ServiceCIDR, more);
    await client.create(Service, service('a'));
    await client.create(Service, service('b'));
    await expect(client.create(Service, service('c'))).rejects.toThrow('range is full');
    await client.updateStatus(ServiceCIDR, { ...cidr, status: { conditions: [ready] } });
    const c = await client.create(Service, service('c'));
    expect(c.spec?.clusterIP).toMatch(/^10\.9\.0\.[1-6]$/);
    const taken = client.create(Service, service('d', { clusterIP: c.spec?.clusterIP ?? '' }));
    await expect(taken).rejects.toThrow('provided IP is already allocated');
    const outside = client.create(Service, service('d', { clusterIP: '10.8.0.1' }));
    await expect(outside).rejects.toThrow('the provided network does not match the current range');
  });
});

describe('repair', () => {
  const held: Service = {
    metadata: { name: 'a', namespace },
    spec: { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] },
  };
  const address = (name: string, owner: string, made: string): IPAddress => ({
    metadata: {
      name,
      creationTimestamp: made,
      labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' },
    },
    spec: { parentRef: { resource: 'services', namespace, name: owner } },
  });
  const ranges = [rangeOf('10.0.0.0/24')].flatMap((each) => each ?? []);
  const now = Date.parse('2026-01-01T01:00:00Z');

  it('takes again what a Service has, and gives back what nobody has, after a while', () => {
    const old = address('10.0.0.2', 'gone', '2026-01-01T00:00:00Z');
    const young = address('10.0.0.3', 'coming', '2026-01-01T00:59:30Z');
    const plan = planAddressRepair({ services: [held], addresses: [old, young], ranges, now, graceMs: 60_000 });
    expect(plan.missing.map((each) => each.address)).toEqual(['10.0.0.1']);
    expect(plan.leaked).toEqual([old]);
    expect(plan.notes.map((each) => each.reason)).toEqual(['ClusterIPNotAllocated']);
  });

  it('says what only a person can put right', () => {
    const twin = { ...held, metadata: { name: 'b', namespace } };
    const outside = {
      ...held,
      metadata: { name: 'c', namespace },
      spec: { clusterIP: '10.1.0.1', clusterIPs: ['10.1.0.1'] },
    };
    const own = address('10.0.0.1', 'a', '2026-01-01T00:00:00Z');
    const plan = planAddressRepair({ services: [held, twin, outside], addresses: [own], ranges, now, graceMs: 0 });
    expect(plan.missing).toEqual([]);
    expect(plan.leaked).toEqual([]);
    expect(plan.notes.map((each) => each.reason)).toEqual(['ClusterIPAlreadyAllocated', 'ClusterIPOutOfRange']);
  });

  it('gives a port back when three looks found nobody', () => {
    const user: Service = { metadata: { name: 'a', namespace }, spec: { ports: [{ port: 80, nodePort: 30001 }] } };
    let suspects: ReadonlyMap<number, number> = new Map();
    const leaked: (readonly number[])[] = [];
    for (let look = 0; look < 3; look++) {
      const plan = planPortRepair([user], [30002], [30000, 30010], suspects);
      expect(plan.missing).toEqual([30001]);
      suspects = plan.suspects;
      leaked.push(plan.leaked);
    }
    expect(leaked).toEqual([[], [], [30002]]);
  });
});

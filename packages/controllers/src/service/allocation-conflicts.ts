import type { Service } from '@keelson/core';

/** Addresses and node ports of a Service, as texts that are equal exactly when two Services would clash. */
export function clusterIps(service: Service): readonly string[] {
  const ips = service.spec.clusterIPs ?? (service.spec.clusterIP ? [service.spec.clusterIP] : []);
  return ips.filter((ip) => ip !== '' && ip !== 'None');
}

export function nodePorts(service: Service): readonly string[] {
  const ports = (service.spec.ports ?? []).flatMap((port) =>
    port.nodePort ? [`${port.nodePort}/${port.protocol ?? 'TCP'}`] : [],
  );
  const health = service.spec.healthCheckNodePort;
  return health ? [...ports, `${health}/TCP`] : ports;
}

export interface AllocationConflict {
  readonly reason: 'ClusterIPAlreadyAllocated' | 'PortAlreadyAllocated';
  readonly message: string;
}

/** What a Service holds that an older one holds too: the older keeps it, the younger is told. */
export function conflictsOf(
  service: Service,
  holders: { readonly ofIp: (ip: string) => readonly Service[]; readonly ofPort: (port: string) => readonly Service[] },
): readonly AllocationConflict[] {
  const taken = (all: readonly Service[]) => all.some((other) => isOlder(other, service));
  const ips = clusterIps(service)
    .filter((ip) => taken(holders.ofIp(ip)))
    .map((ip): AllocationConflict => {
      const message = `Cluster IP [${ip.includes(':') ? 'IPv6' : 'IPv4'}]:${ip} was assigned to multiple services; please recreate service`;
      return { reason: 'ClusterIPAlreadyAllocated', message };
    });
  const ports = nodePorts(service)
    .filter((port) => taken(holders.ofPort(port)))
    .map((port): AllocationConflict => {
      const message = `Port ${port.split('/')[0]} was assigned to multiple services; please recreate service`;
      return { reason: 'PortAlreadyAllocated', message };
    });
  return [...ips, ...ports];
}

function isOlder(a: Service, b: Service): boolean {
  if (a.metadata.uid === b.metadata.uid) return false;
  const [first, second] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return first < second || (first === second && (a.metadata.uid ?? '') < (b.metadata.uid ?? ''));
}

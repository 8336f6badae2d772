import type { Endpoint, EndpointSlice, Service } from '@keelson/core';

export interface EndpointAddress {
  readonly ip: string;
  readonly port: number;
}

/** One port of one Service, and where its traffic goes now. */
export interface ServicePortState {
  /** `namespace/name:port`, unique with the protocol. */
  readonly name: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Virtual addresses: cluster IPs and external IPs. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly nodePort: number | undefined;
  /** Seconds for which a client keeps its endpoint; undefined: no affinity. */
  readonly affinitySeconds: number | undefined;
  readonly endpoints: readonly EndpointAddress[];
}

/**
 * What the proxy must do, by the rules of KEP-1672: ready endpoints; where there are none, those that still serve while
 * terminating. IPv4 only. Services without a cluster IP (headless, ExternalName) have no part in it.
 */
export function servicePorts(
  services: readonly Service[],
  slicesOf: (service: Service) => readonly EndpointSlice[],
): readonly ServicePortState[] {
  return services.flatMap((service) => {
    const { spec, metadata, status } = service;
    const clusterIps = (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter(
      (ip) => ip !== 'None' && !ip.includes(':'),
    );
    if (spec.type === 'ExternalName' || clusterIps.length === 0) return [];
    const slices = slicesOf(service).filter((slice) => slice.addressType === 'IPv4');
    const ingress = (status?.loadBalancer?.ingress ?? []).flatMap((each) =>
      each.ip && !each.ip.includes(':') ? [each.ip] : [],
    );
    return (spec.ports ?? []).map((port): ServicePortState => {
      const name = `${metadata.namespace}/${metadata.name}${port.name ? `:${port.name}` : ''}`;
      return {
        name,
        protocol: (port.protocol ?? 'TCP').toLowerCase() as ServicePortState['protocol'],
        addresses: [...new Set([...clusterIps, ...(spec.externalIPs ?? []), ...ingress])],
        port: port.port,
        nodePort: port.nodePort,
        affinitySeconds:
          spec.sessionAffinity === 'ClientIP'
            ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800)
            : undefined,
        endpoints: endpointsFor(slices, port.name ?? '', port.protocol ?? 'TCP'),
      };
    });
  });
}

function endpointsFor(
  slices: readonly EndpointSlice[],
  portName: string,
  protocol: string,
): readonly EndpointAddress[] {
  const pick = (wanted: (conditions: NonNullable<Endpoint['conditions']>) => boolean) => {
    const found = new Map<string, EndpointAddress>();
    for (const slice of slices) {
      const port = slice.ports?.find(
        (each) => (each.name ?? '') === portName && (each.protocol ?? 'TCP') === protocol,
      )?.port;
      if (port === undefined) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const ip = endpoint.addresses[0];
        if (ip !== undefined && wanted(endpoint.conditions ?? {})) found.set(`${ip}:${port}`, { ip, port });
      }
    }
    return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  };
  const ready = pick((conditions) => conditions.ready ?? true);
  return ready.length > 0
    ? ready
    : pick((conditions) => (conditions.serving ?? false) && (conditions.terminating ?? false));
}

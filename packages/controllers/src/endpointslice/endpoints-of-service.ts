import type { Endpoint, Node, Pod, Service } from '@keelson/core';
import { isPodReady, isPodTerminal } from '../pod-control/index.ts';
import { portsKey, portsOf, type SlicePort } from './service-ports.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that can share a slice: of one family, and with the same port numbers. */
export interface EndpointGroup {
  readonly addressType: AddressType;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly Endpoint[];
}

const zoneLabel = 'topology.kubernetes.io/zone';

export function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === 'None';
}

/** ExternalName Services and those without a selector have endpoints of their users' making, or none. */
export function selectsPods(service: Service): boolean {
  return service.spec.type !== 'ExternalName' && service.spec.selector !== undefined;
}

/** The families in which a Service is reachable. */
export function addressTypes(service: Service): readonly AddressType[] {
  const families = service.spec.ipFamilies ?? [];
  if (families.length > 0) return families.map((family) => (family === 'IPv6' ? 'IPv6' : 'IPv4'));
  const ip = service.spec.clusterIP ?? '';
  return [ip.includes(':') ? 'IPv6' : 'IPv4'];
}

export function podAddress(pod: Pod, addressType: AddressType): string | undefined {
  const addresses = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
  if (addresses.length === 0 && pod.status?.podIP) addresses.push(pod.status.podIP);
  return addresses.find((ip) => ip.includes(':') === (addressType === 'IPv6'));
}

/**
 * What a Service's pods amount to, grouped by their ports. A pod that has ended, has no address of the family, or is on a
 * node that does not exist (any more) is left out; the latter not where unready addresses are published.
 */
export function endpointGroups(
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
): readonly EndpointGroup[] {
  const groups = new Map<string, { addressType: AddressType; ports: readonly SlicePort[]; endpoints: Endpoint[] }>();
  const publishAll = service.spec.publishNotReadyAddresses === true;
  for (const addressType of addressTypes(service)) {
    for (const pod of pods) {
      const address = podAddress(pod, addressType);
      if (address === undefined || isPodTerminal(pod)) continue;
      const node = pod.spec.nodeName ? nodeOf(pod.spec.nodeName) : undefined;
      if (node === undefined && pod.spec.nodeName && !publishAll) continue;
      const ports = portsOf(service, pod);
      const key = `${addressType} ${portsKey(ports)}`;
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      group.endpoints.push(endpointOf(service, pod, address, node));
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

function endpointOf(service: Service, pod: Pod, address: string, node: Node | undefined): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const zone = node?.metadata.labels?.[zoneLabel];
  const hostname = hostnameIn(service, pod);
  return {
    addresses: [address],
    conditions: {
      ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hostname !== undefined && { hostname }),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(zone !== undefined && { zone }),
  };
}

/** A pod has a host name within the Service that is its subdomain. */
export function hostnameIn(service: Service, pod: Pod): string | undefined {
  const { hostname, subdomain } = pod.spec;
  return hostname && subdomain === service.metadata.name ? hostname : undefined;
}

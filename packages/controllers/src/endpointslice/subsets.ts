import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Pod, Service } from '@keelson/core';
import { isPodReady, isPodTerminal } from '../pod-control/index.ts';
import { addressTypes, hostnameIn, isHeadless, podAddress } from './endpoints-of-service.ts';
import { portsOf, type SlicePort } from './service-ports.ts';
import { headlessLabel, triggerTimeAnnotation } from './slice-plan.ts';

export const managedByLabel = 'endpoints.kubernetes.io/managed-by';
export const managedByValue = 'endpoint-controller';

/** The old API ends here; EndpointSlices do not. */
const maxAddresses = 1_000;

interface AddressGroup {
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
  readonly ports: SlicePort[];
}

/** The same content as the slices of the Service's first family, in the shape of `v1` Endpoints; pods on their way out are left out. */
export function endpointSubsets(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const addressType = addressTypes(service)[0] ?? 'IPv4';
  const reachable = pods
    .filter((pod) => !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined)
    .flatMap((pod) => {
      const ip = podAddress(pod, addressType);
      return ip === undefined ? [] : [{ pod, ip }];
    })
    .sort((a, b) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0))
    .slice(0, maxAddresses);
  const byPort = new Map<string, AddressGroup>();
  for (const { pod, ip } of reachable) {
    const ports = portsOf(service, pod);
    const address = addressOf(service, pod, ip);
    const ready = service.spec.publishNotReadyAddresses === true || isPodReady(pod);
    const portless = ports.length === 0 && isHeadless(service) && (service.spec.ports ?? []).length === 0;
    for (const port of portless ? [undefined] : ports) {
      const key = JSON.stringify(port ?? null);
      const group = byPort.get(key) ?? { ready: [], notReady: [], ports: port === undefined ? [] : [port] };
      (ready ? group.ready : group.notReady).push(address);
      byPort.set(key, group);
    }
  }
  return mergeByAddresses([...byPort.values()]).map(({ ready, notReady, ports }) => ({
    ...(ready.length > 0 && { addresses: ready }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady }),
    ...(ports.length > 0 && { ports: ports.map(subsetPort) }),
  }));
}

/** Ports with the very same addresses share a subset. */
function mergeByAddresses(groups: readonly AddressGroup[]): readonly AddressGroup[] {
  const merged = new Map<string, AddressGroup>();
  for (const group of groups) {
    const key = JSON.stringify([group.ready.map(identity), group.notReady.map(identity)]);
    const same = merged.get(key);
    if (same === undefined) merged.set(key, group);
    else same.ports.push(...group.ports);
  }
  return [...merged.values()];
}

function identity(address: EndpointAddress): string {
  return `${address.ip} ${address.targetRef?.uid ?? ''}`;
}

function subsetPort({ name, port, protocol, appProtocol }: SlicePort): EndpointPort {
  return { ...(name && { name }), port: port ?? 0, protocol, ...(appProtocol !== undefined && { appProtocol }) };
}

function addressOf(service: Service, pod: Pod, ip: string): EndpointAddress {
  const hostname = hostnameIn(service, pod);
  return {
    ip,
    ...(hostname !== undefined && { hostname }),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
  };
}

export function endpointsLabels(service: Service): Readonly<Record<string, string>> {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {};
  return { ...labels, [managedByLabel]: managedByValue, ...(isHeadless(service) && { [headlessLabel]: '' }) };
}

/** Without the annotation that only fits the change before. */
export function endpointsAnnotations(endpoints: Endpoints): Readonly<Record<string, string>> {
  const { [triggerTimeAnnotation]: _, ...annotations } = endpoints.metadata.annotations ?? {};
  return annotations;
}

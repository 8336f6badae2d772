import type { EndpointSlice, Pod, Service, ServicePort } from '@keelson/core';

/** A port as EndpointSlices name it. */
export type SlicePort = NonNullable<EndpointSlice['ports']>[number];

/** The number behind a target port on this pod: itself, or that of the container port with that name and protocol. */
export function targetPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...pod.spec.containers, ...sidecars]) {
    const found = (container.ports ?? []).find(
      (each) => each.name === target && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    );
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

/** The Service's ports on this pod; a named port that the pod does not have is left out. */
export function portsOf(service: Service, pod: Pod): readonly SlicePort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(pod, port);
    if (number === undefined) return [];
    return [
      {
        name: port.name ?? '',
        port: number,
        protocol: port.protocol ?? 'TCP',
        ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
      },
    ];
  });
}

/** Equal for equal sets of ports, whatever their order. */
export function portsKey(ports: readonly SlicePort[]): string {
  return ports
    .map((port) => [port.name ?? '', port.protocol ?? 'TCP', port.port ?? '', port.appProtocol ?? ''].join('/'))
    .sort()
    .join(' ');
}

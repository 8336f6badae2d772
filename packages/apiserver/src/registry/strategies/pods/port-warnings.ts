import type { ContainerPort, PodSpec } from '@keelson/core';

interface Seen {
  readonly port: ContainerPort;
  readonly at: string;
}

/** How two definitions of one port of the pod disturb each other. */
function relation(port: ContainerPort, other: ContainerPort): string | undefined {
  const [own, theirs] = [port.hostPort ?? 0, other.hostPort ?? 0];
  const sameAddress = (port.hostIP ?? '') === (other.hostIP ?? '');
  if (own === 0 && theirs === 0 && sameAddress) return 'duplicate';
  if (own === 0 || theirs === 0) return 'overlapping';
  if (own !== theirs) return undefined;
  if (sameAddress) return 'duplicate';
  return port.hostIP && other.hostIP ? undefined : 'dangerously ambiguous';
}

const goPort = ({ name = '', hostPort = 0, containerPort, protocol = '', hostIP = '' }: ContainerPort) =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;

/** Ports that two containers of a pod, or one of them twice, lay claim to. */
export function portWarnings(spec: PodSpec, at: string, warn: (text: string) => void): void {
  const byNumber = new Map<string, Seen[]>();
  const byName = new Map<string, string>();
  const ofNames: string[] = [];
  for (const list of ['initContainers', 'containers'] as const) {
    spec[list]?.forEach(({ ports }, index) => {
      ports?.forEach((port, number) => {
        const here = `${at}.${list}[${index}].ports[${number}]`;
        const { name, containerPort, protocol = '', hostPort, hostIP } = port;
        if (hostIP && !hostPort) warn(`${here}: hostIP set without hostPort: ${goPort(port)}`);
        const key = `${containerPort}/${protocol}`;
        const others = byNumber.get(key);
        for (const other of others ?? []) {
          const how = relation(port, other.port);
          if (how) warn(`${here}: ${how} port definition with ${other.at}`);
        }
        if (others) others.push({ port, at: here });
        else byNumber.set(key, [{ port, at: here }]);
        if (!name) return;
        const first = byName.get(name);
        if (first === undefined) byName.set(name, here);
        else {
          ofNames.push(
            `${here}: duplicate port name "${name}" with ${first}, services and probes that select ports by name will use ${first}`,
          );
        }
      });
    });
  }
  ofNames.forEach(warn);
}

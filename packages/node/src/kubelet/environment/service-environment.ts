import type { Service } from '@keelson/core/api';

/** `my-svc` → `MY_SVC`. */
const screaming = (name: string) => name.toUpperCase().replaceAll('-', '_');

function hasClusterIp(service: Service): boolean {
  const ip = service.spec.clusterIP;
  return ip !== undefined && ip !== '' && ip !== 'None';
}

/**
 * The `{SVCNAME}_SERVICE_HOST` and Docker-link variables of a pod (kubernetes.io/docs/concepts/services-networking/service
 * #environment-variables): always those of `kubernetes` in `default`, and with service links those of the pod's namespace.
 */
export function serviceEnvironment(
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean,
): ReadonlyMap<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    if (!hasClusterIp(service)) continue;
    const { name } = service.metadata;
    if (service.metadata.namespace === 'default' && name === 'kubernetes') {
      if (!chosen.has(name)) chosen.set(name, service);
    }
    if (service.metadata.namespace === namespace && enableServiceLinks) chosen.set(name, service);
  }
  const env = new Map<string, string>();
  for (const service of [...chosen.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    addService(env, service);
  }
  return env;
}

function addService(env: Map<string, string>, service: Service): void {
  const name = screaming(service.metadata.name);
  const ip = service.spec.clusterIP ?? '';
  const host = ip.includes(':') ? `[${ip}]` : ip;
  const ports = service.spec.ports ?? [];
  const first = ports[0];
  env.set(`${name}_SERVICE_HOST`, ip);
  if (first === undefined) return;
  env.set(`${name}_SERVICE_PORT`, String(first.port));
  for (const port of ports) {
    if (port.name) env.set(`${name}_SERVICE_PORT_${screaming(port.name)}`, String(port.port));
  }
  env.set(`${name}_PORT`, `${(first.protocol ?? 'TCP').toLowerCase()}://${host}:${first.port}`);
  for (const port of ports) {
    const protocol = port.protocol ?? 'TCP';
    const prefix = `${name}_PORT_${port.port}_${protocol.toUpperCase()}`;
    env.set(prefix, `${protocol.toLowerCase()}://${host}:${port.port}`);
    env.set(`${prefix}_PROTO`, protocol.toLowerCase());
    env.set(`${prefix}_PORT`, String(port.port));
    env.set(`${prefix}_ADDR`, ip);
  }
}

import type { Service, ServiceSpec } from '@keelson/core';

/** What the type of a Service makes of its fields; each takes the spec that is asked about. */
export const needsClusterIp = ({ type, clusterIP }: ServiceSpec) => type !== 'ExternalName' && clusterIP !== 'None';
export const needsNodePort = ({ type }: ServiceSpec) => type === 'NodePort' || type === 'LoadBalancer';
export const takesNodePorts = (spec: ServiceSpec) =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
export const needsHealthPort = ({ type, externalTrafficPolicy }: ServiceSpec) =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
/** Reached from outside: by ports of nodes, a load balancer, or addresses of the user's own. */
export const isExternal = (spec: ServiceSpec) =>
  needsNodePort(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
export const isHeadless = ({ clusterIP, clusterIPs }: ServiceSpec) =>
  clusterIP === 'None' || clusterIPs?.[0] === 'None';

/** The addresses that the Service holds. */
export function clusterIpsOf({ spec }: Service): readonly string[] {
  if (spec === undefined || spec.type === 'ExternalName' || isHeadless(spec)) return [];
  return (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((each) => each !== '');
}

/** The ports of nodes that the Service holds. */
export function nodePortsOf({ spec }: Service): readonly number[] {
  const ports = (spec?.ports ?? []).map((each) => each.nodePort ?? 0);
  return [...new Set([...ports, spec?.healthCheckNodePort ?? 0])].filter((each) => each > 0);
}

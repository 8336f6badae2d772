import type { Service, ServiceSpec } from '@keelson/core';
import type { Draft } from '../../draft.ts';
import { isExternal, needsHealthPort, needsNodePort, takesNodePorts } from './service-kinds.ts';

const threeHours = 10_800;

export function defaultService(service: Draft<Service>): void {
  service.spec ??= {};
  const { spec } = service;
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= threeHours;
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (isExternal(spec as ServiceSpec)) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.internalTrafficPolicy === undefined && spec.type !== 'ExternalName') spec.internalTrafficPolicy = 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
  for (const each of service.status?.loadBalancer?.ingress ?? []) if (each.ip) each.ipMode ??= 'VIP';
}

const same = (a: readonly unknown[] | undefined, b: readonly unknown[] | undefined) =>
  (a ?? []).length === (b ?? []).length && (a ?? []).every((each, at) => each === b?.[at]);

/** `clusterIP` is the first of `clusterIPs`: who changes or clears the one means the other too. */
export function settleClusterIps(service: Draft<Service>, old: Service | undefined): void {
  const spec = service.spec ?? {};
  if (spec.clusterIP === '') delete spec.clusterIP;
  if (spec.clusterIPs?.length === 0) delete spec.clusterIPs;
  if (!old) {
    if (spec.clusterIP && !spec.clusterIPs) spec.clusterIPs = [spec.clusterIP];
    return;
  }
  const before = old.spec ?? {};
  if (before.clusterIP && !spec.clusterIP) {
    if (same(spec.clusterIPs, before.clusterIPs)) delete spec.clusterIPs;
  } else if (spec.clusterIP && spec.clusterIP !== before.clusterIP) {
    const absent = !spec.clusterIPs && spec.type !== 'ExternalName';
    if (absent || (spec.clusterIPs && same(spec.clusterIPs, before.clusterIPs))) spec.clusterIPs = [spec.clusterIP];
  }
}

const portSet = ({ ports }: ServiceSpec) => new Set((ports ?? []).map((each) => each.nodePort ?? 0));

/** What the server has given, a client that does not mention it keeps. */
export function keepGiven(service: Draft<Service>, old: Service): void {
  const spec = service.spec ?? {};
  const before = old.spec ?? {};
  const [now, then] = [spec as ServiceSpec, before];
  if (before.type !== 'ExternalName' && spec.type !== 'ExternalName') {
    if (!spec.clusterIP && before.clusterIP) {
      spec.clusterIP = before.clusterIP;
    }
    if (!spec.clusterIPs?.length && spec.clusterIP === before.clusterIP && before.clusterIPs) {
      spec.clusterIPs = [...before.clusterIPs];
    }
  }
  if (needsNodePort(then) && takesNodePorts(now)) {
    const mine = portSet(now);
    const used = new Set([...portSet(then)].filter((each) => mine.has(each)));
    const byName = new Map((before.ports ?? []).map((each) => [each.name ?? '', each.nodePort ?? 0]));
    for (const port of spec.ports ?? []) {
      if (port.nodePort) continue;
      const number = byName.get(port.name ?? '') ?? 0;
      if (number === 0 || used.has(number)) continue;
      port.nodePort = number;
      used.add(number);
    }
  }
  if (needsHealthPort(then) && needsHealthPort(now) && !spec.healthCheckNodePort && before.healthCheckNodePort) {
    spec.healthCheckNodePort = before.healthCheckNodePort;
  }
}

/** What a Service of its new type cannot have goes, where it only stands there from before. */
export function dropOfOldType(service: Draft<Service>, old: Service): void {
  const spec = service.spec ?? {};
  const before = old.spec ?? {};
  const now = spec as ServiceSpec;
  if (before.type !== 'ExternalName' && spec.type === 'ExternalName') {
    if (spec.clusterIP === before.clusterIP && same(spec.clusterIPs, before.clusterIPs)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (same(spec.ipFamilies, before.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === before.ipFamilyPolicy) delete spec.ipFamilyPolicy;
    if (spec.internalTrafficPolicy === before.internalTrafficPolicy) delete spec.internalTrafficPolicy;
  }
  if (needsNodePort(before) && !needsNodePort(now)) {
    const [mine, theirs] = [portSet(now), portSet(before)];
    if (mine.size === theirs.size && [...mine].every((each) => theirs.has(each))) {
      for (const port of spec.ports ?? []) delete port.nodePort;
    }
  }
  if (needsHealthPort(before) && !needsHealthPort(now) && spec.healthCheckNodePort === before.healthCheckNodePort) {
    delete spec.healthCheckNodePort;
  }
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts;
    }
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (isExternal(before) && !isExternal(now) && spec.externalTrafficPolicy === before.externalTrafficPolicy) {
    delete spec.externalTrafficPolicy;
  }
}

import {
  deepEqual,
  type Service,
  type ServicePort,
  type ServiceSpec,
  validateDnsLabel,
  validateDnsSubdomain,
  validateQualifiedName,
} from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { checkLabels, checkOneOf, checkPort } from './checks.ts';
import { validatePortNumberOrName } from './container-validation.ts';
import { checkReachable } from './endpoints.ts';
import { inGo } from './go-internal.ts';
import { addressBytes, addressWarnings, checkLegacyAddress, checkLegacyCidr, cidrWarnings } from './ip-checks.ts';
import { isExternal, isHeadless, needsHealthPort } from './services/service-kinds.ts';

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const rangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const topologyMode = 'service.kubernetes.io/topology-mode';
const topologyHints = 'service.kubernetes.io/topology-aware-hints';
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'";
const kubeletPort = 10_250;
const longestAffinity = 86_400;

export function validateService(service: Service, errors: FieldErrors, old?: Service): void {
  const { spec = {} } = service;
  validateTopology(service, errors);
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') errors.required('spec.ports');
  validateType(spec, errors);
  const names = new Set<string>();
  ports.forEach((port, index) => void validatePort(port, ports.length > 1, `spec.ports[${index}]`, names, errors));
  checkLabels(spec.selector, 'spec.selector', errors);
  validateAffinity(spec, errors);
  spec.externalIPs?.forEach((each, index) => {
    if (old?.spec?.externalIPs?.includes(each)) return;
    const at = `spec.externalIPs[${index}]`;
    if (checkLegacyAddress(each, at, errors)) checkReachable(each, at, errors);
  });
  checkOneOf('spec.type', spec.type, types, errors);
  validateNodePorts(spec, errors);
  validatePortKeys(spec, errors);
  validateSourceRanges(service, errors);
  validateBalancer(spec, errors);
  validateTraffic(spec, errors);
}

function validateTopology({ metadata }: Service, errors: FieldErrors): void {
  const mode = metadata.annotations?.[topologyMode];
  const hints = metadata.annotations?.[topologyHints];
  if (mode === undefined || hints === undefined || mode === hints) return;
  const why = `must match annotations[${topologyHints}] when both are specified`;
  errors.invalid(`metadata.annotations[${topologyMode}]`, mode, why);
}

function validateType(spec: ServiceSpec, errors: FieldErrors): void {
  const { type } = spec;
  if (type === 'LoadBalancer') {
    spec.ports?.forEach(({ port }, index) => {
      if (port !== kubeletPort) return;
      const why = `may not expose port ${kubeletPort} externally since it is used by kubelet`;
      errors.invalid(`spec.ports[${index}]`, port, why);
    });
  }
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec)) {
    errors.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`);
  }
  if (type !== 'ExternalName') return;
  const why = 'may not be set for ExternalName services';
  if ((spec.clusterIPs?.length ?? 0) > 0) errors.forbidden('spec.clusterIPs', why);
  if ((spec.ipFamilies?.length ?? 0) > 0) errors.forbidden('spec.ipFamilies', why);
  if (spec.ipFamilyPolicy !== undefined) errors.forbidden('spec.ipFamilyPolicy', why);
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.required('spec.externalName');
  else errors.rule('spec.externalName', name, validateDnsSubdomain(name));
}

function validatePort(port: ServicePort, named: boolean, at: string, names: Set<string>, errors: FieldErrors): void {
  const { name, protocol, targetPort, appProtocol } = port;
  if (name) {
    errors.rule(`${at}.name`, name, validateDnsLabel(name));
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
  } else if (named) errors.required(`${at}.name`);
  checkPort(`${at}.port`, port.port ?? 0, errors);
  if (!protocol) errors.required(`${at}.protocol`);
  else checkOneOf(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'], errors);
  validatePortNumberOrName(targetPort, `${at}.targetPort`, errors);
  if (appProtocol !== undefined) errors.rule(`${at}.appProtocol`, appProtocol, validateQualifiedName(appProtocol));
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec, errors: FieldErrors): void {
  if (!sessionAffinity) errors.required('spec.sessionAffinity');
  else checkOneOf('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None'], errors);
  const at = 'spec.sessionAffinityConfig';
  if (sessionAffinity === 'None') {
    if (sessionAffinityConfig) {
      const why = `must not be set when session affinity is None`;
      errors.forbidden(at, why);
    }
  } else if (sessionAffinity === 'ClientIP') {
    const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
    if (seconds === undefined) {
      errors.required(`${at}.clientIP.timeoutSeconds`, 'must be set when session affinity is ClientIP');
    } else if (seconds <= 0 || seconds > longestAffinity) {
      const why = `must be greater than 0 and less than ${longestAffinity}`;
      errors.invalid(`${at}.clientIP.timeoutSeconds`, seconds, why);
    }
  }
}

function validateNodePorts({ type, ports = [] }: ServiceSpec, errors: FieldErrors): void {
  if (type === 'ClusterIP') {
    ports.forEach(({ nodePort }, index) => {
      if (nodePort) errors.forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'");
    });
  }
  const seen = new Set<string>();
  ports.forEach(({ nodePort, protocol }, index) => {
    if (!nodePort) return;
    const key = `${protocol}/${nodePort}`;
    if (seen.has(key)) errors.duplicate(`spec.ports[${index}].nodePort`, nodePort);
    seen.add(key);
  });
}

function validatePortKeys({ ports = [] }: ServiceSpec, errors: FieldErrors): void {
  const seen = new Set<string>();
  ports.forEach(({ port, protocol }, index) => {
    const key = `${protocol}/${port}`;
    if (seen.has(key)) errors.duplicate(`spec.ports[${index}]`, inGo('ServicePort', { port, protocol }));
    seen.add(key);
  });
}

/** In the field or, older, an annotation with commas. */
function validateSourceRanges({ spec = {}, metadata }: Service, errors: FieldErrors): void {
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const at = 'spec.LoadBalancerSourceRanges';
  if (ranges.length > 0) {
    if (spec.type !== 'LoadBalancer') errors.forbidden(at, onlyBalanced);
    ranges.forEach((each, index) => void checkLegacyCidr(each.trim(), `${at}[${index}]`, errors));
    return;
  }
  const text = metadata.annotations?.[rangesAnnotation];
  if (text === undefined) return;
  const field = `metadata.annotations[${rangesAnnotation}]`;
  if (spec.type !== 'LoadBalancer') errors.forbidden(field, onlyBalanced);
  if (text.trim() === '') return;
  for (const each of text.trim().split(',')) checkLegacyCidr(each.trim(), field, errors);
}

function validateBalancer(spec: ServiceSpec, errors: FieldErrors): void {
  const balanced = spec.type === 'LoadBalancer';
  const allocate = 'spec.allocateLoadBalancerNodePorts';
  if (balanced && spec.allocateLoadBalancerNodePorts === undefined) errors.required(allocate);
  if (!balanced && spec.allocateLoadBalancerNodePorts !== undefined) errors.forbidden(allocate, onlyBalanced);
  validateClass(spec, undefined, errors);
}

function validateClass(spec: ServiceSpec, old: ServiceSpec | undefined, errors: FieldErrors): void {
  const balanced = spec.type === 'LoadBalancer';
  const name = spec.loadBalancerClass;
  const at = 'spec.loadBalancerClass';
  if (balanced && old?.type === 'LoadBalancer' && name !== old.loadBalancerClass) {
    errors.invalid(at, name, 'may not change once set');
  }
  if (name === undefined) return;
  if (balanced) errors.rule(at, name, validateQualifiedName(name));
  else errors.forbidden(at, onlyBalanced);
}

function validateTraffic(spec: ServiceSpec, errors: FieldErrors): void {
  const policy = spec.externalTrafficPolicy;
  const at = 'spec.externalTrafficPolicy';
  if (!isExternal(spec)) {
    if (policy) errors.invalid(at, policy, 'may only be set for externally-accessible services');
  } else if (!policy) errors.required(at);
  else checkOneOf(at, policy, ['Cluster', 'Local'], errors);
  const port = spec.healthCheckNodePort ?? 0;
  if (!needsHealthPort(spec)) {
    if (port !== 0) {
      const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
      errors.invalid('spec.healthCheckNodePort', port, why);
    }
  } else if (port === 0) errors.required('spec.healthCheckNodePort');
  else checkPort('spec.healthCheckNodePort', port, errors);
  checkOneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local'], errors);
  const nearness = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  checkOneOf('spec.trafficDistribution', spec.trafficDistribution, nearness, errors);
}

/** What an update may not change. */
export function validateServiceUpdate({ spec = {} }: Service, { spec: old = {} }: Service, errors: FieldErrors): void {
  // The class is looked at again with the rest, so that some findings come twice.
  validateClass(spec, old, errors);
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return;
  const [now, before] = [spec.clusterIPs ?? [], old.clusterIPs ?? []];
  const fixed = 'may not change once set';
  if (before.length > 0) {
    if (now.length === 0) errors.invalid('spec.clusterIPs[0]', now, 'primary clusterIP can not be unset');
    else if (now[0] !== before[0]) errors.invalid('spec.clusterIPs[0]', now, fixed);
    if (now.length > 1 && before.length > 1 && now[1] !== before[1]) errors.invalid('spec.clusterIPs[1]', now, fixed);
  }
  const [own, theirs] = [spec.ipFamilies ?? [], old.ipFamilies ?? []];
  if (own.length > 0 && theirs.length > 0) {
    if (own[0] !== theirs[0]) errors.invalid('spec.ipFamilies[0]', own, fixed);
    if (own.length > 1 && theirs.length > 1 && own[1] !== theirs[1]) errors.invalid('spec.ipFamilies[1]', own, fixed);
  }
}

export function validateServiceStatus({ spec = {}, status }: Service, old: Service, errors: FieldErrors): void {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const at = 'status.loadBalancer.ingress';
  const before = old.status?.loadBalancer?.ingress ?? [];
  if (ingress.length > 0 && spec.type !== 'LoadBalancer' && !deepEqual(ingress, before)) {
    errors.forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  ingress.forEach(({ ip, ipMode, hostname }, index) => {
    const here = `${at}[${index}]`;
    if (ip) checkLegacyAddress(ip, `${here}.ip`, errors);
    if (ip && ipMode === undefined) errors.required(`${here}.ipMode`, 'must be specified when `ip` is set');
    else if (!ip && ipMode !== undefined) {
      errors.forbidden(`${here}.ipMode`, 'may not be specified when `ip` is not set');
    } else if (ipMode !== undefined) checkOneOf(`${here}.ipMode`, ipMode, ['Proxy', 'VIP'], errors);
    if (hostname) {
      errors.rule(`${here}.hostname`, hostname, validateDnsSubdomain(hostname));
      if (/^\d+(\.\d+){3}$/.test(hostname) || addressBytes(hostname) !== undefined) {
        errors.invalid(`${here}.hostname`, hostname, 'must be a DNS name, not an IP address');
      }
    }
  });
}

export function serviceWarnings({ metadata, spec = {} }: Service): readonly string[] {
  const found: string[] = [];
  const hints = metadata.annotations?.[topologyHints];
  if (hints !== undefined) {
    found.push(`annotation ${topologyHints} is deprecated, please use ${topologyMode} instead`);
  }
  if (spec.clusterIP && !isHeadless(spec)) {
    spec.clusterIPs?.forEach((each, index) => void found.push(...addressWarnings(each, `spec.clusterIPs[${index}]`)));
  }
  if (isHeadless(spec)) {
    if (spec.loadBalancerIP) found.push('spec.loadBalancerIP is ignored for headless services');
    if ((spec.externalIPs?.length ?? 0) > 0) found.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity !== 'None') found.push('spec.SessionAffinity is ignored for headless services');
  }
  spec.externalIPs?.forEach((each, index) => void found.push(...addressWarnings(each, `spec.externalIPs[${index}]`)));
  if (spec.loadBalancerIP) found.push(...addressWarnings(spec.loadBalancerIP, 'spec.loadBalancerIP'));
  spec.loadBalancerSourceRanges?.forEach((each, index) => {
    found.push(...cidrWarnings(each.trim(), `spec.loadBalancerSourceRanges[${index}]`));
  });
  if (spec.type === 'ExternalName' && (spec.externalIPs?.length ?? 0) > 0) {
    found.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (spec.type !== 'ExternalName' && spec.externalName) {
    found.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === 'PreferClose') {
    found.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return found;
}

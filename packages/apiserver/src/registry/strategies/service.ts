import { type Random, Service, type ServicePort, validateDns1035Label } from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, type NamedStrategy, type Reservation, strategyFor } from '../strategy.ts';
import { AddressAllocator, NumberAllocator } from './allocator.ts';
import { validateService } from './service-validation.ts';

export interface ServiceRanges {
  readonly serviceCidr: string;
  readonly nodePorts: readonly [number, number];
  readonly random: Random;
}

const hasNodePorts = ({ spec }: Service) =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
const isExternal = ({ spec }: Service) => spec.type === 'NodePort' || spec.type === 'LoadBalancer';

/** Services, their cluster IPs and node ports. `remember` is told of every Service that exists already. */
export function serviceStrategy(ranges: ServiceRanges): NamedStrategy & { remember(service: Service): void } {
  const addresses = new AddressAllocator(ranges.serviceCidr, ranges.random);
  const ports = new NumberAllocator(ranges.nodePorts[0], ranges.nodePorts[1], ranges.random);
  const release = (service: Service) => {
    for (const each of addressesOf(service)) addresses.release(each);
    for (const each of portsOf(service)) ports.release(each);
  };
  const named = strategyFor(Service, {
    createOnUpdate: true,
    nameRule: validateDns1035Label,
    defaults: defaultService,
    validate: validateService,
    validateUpdate(service, old, errors) {
      const before = old.spec.clusterIP;
      const stays = service.spec.type !== 'ExternalName' && old.spec.type !== 'ExternalName';
      if (stays && before && before !== service.spec.clusterIP) {
        errors.invalid(
          'spec.clusterIPs[0]',
          service.spec.clusterIPs ?? [service.spec.clusterIP ?? ''],
          'may not change once set',
        );
      }
    },
    prepareCreate: settleAddresses,
    prepareUpdate(service, old) {
      settleAddresses(service);
      carryOver(service, old);
    },
    reserve: (service, old, errors) => reserve(service, old, errors, addresses, ports),
    released: release,
  });
  return {
    ...named,
    remember(service) {
      for (const each of addressesOf(service)) addresses.take(each);
      for (const each of portsOf(service)) ports.take(each);
    },
  };
}

function addressesOf({ spec }: Service): readonly string[] {
  if (spec.type === 'ExternalName') return [];
  const all = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  return all.filter((each) => each !== '' && each !== 'None');
}

function portsOf({ spec }: Service): readonly number[] {
  const ports = (spec.ports ?? []).map((each) => each.nodePort ?? 0);
  return [...new Set([...ports, spec.healthCheckNodePort ?? 0])].filter((each) => each > 0);
}

function defaultService(service: Draft<Service>): void {
  const { spec } = service;
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  else if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= 10800;
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (isExternal(service as Service)) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ||= 'Cluster';
  if (spec.type !== 'LoadBalancer') return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const each of service.status?.loadBalancer?.ingress ?? []) if (each.ip) each.ipMode ??= 'VIP';
}

/** What the server gives a Service, and no client: it is not the writer's own. */
function settleAddresses({ spec }: Draft<Service>): void {
  if (spec.clusterIP === '') delete spec.clusterIP;
  if (spec.clusterIP === undefined && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0];
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  if (spec.type === 'ExternalName') return;
  spec.ipFamilies ??= ['IPv4'];
  spec.ipFamilyPolicy ||= 'SingleStack';
}

const portKey = (port: Pick<ServicePort, 'protocol' | 'port'>) => `${port.protocol ?? 'TCP'}/${port.port}`;

/** What the server has given, a client that does not mention it keeps. */
function carryOver(service: Draft<Service>, old: Service): void {
  const { spec } = service;
  const before = old.spec;
  if (spec.type === 'ExternalName') {
    if (before.type !== 'ExternalName') {
      if (spec.clusterIP === before.clusterIP) {
        delete spec.clusterIP;
        delete spec.clusterIPs;
      }
      delete spec.ipFamilies;
      delete spec.ipFamilyPolicy;
      delete spec.internalTrafficPolicy;
    }
  } else if (spec.clusterIP === undefined && before.clusterIP && before.type !== 'ExternalName') {
    spec.clusterIP = before.clusterIP;
    spec.clusterIPs = before.clusterIPs ? [...before.clusterIPs] : [before.clusterIP];
  }
  if (hasNodePorts(service as Service) && hasNodePorts(old)) {
    const known = new Map((before.ports ?? []).map((each) => [portKey(each), each.nodePort]));
    const used = new Set((spec.ports ?? []).map((each) => each.nodePort));
    for (const port of spec.ports ?? []) {
      const number = known.get(portKey(port));
      if (!port.nodePort && number && !used.has(number)) port.nodePort = number;
    }
  } else if (!isExternal(service as Service) && isExternal(old)) {
    const given = new Set(portsOf(old));
    for (const port of spec.ports ?? []) if (port.nodePort && given.has(port.nodePort)) delete port.nodePort;
    if (spec.externalTrafficPolicy === before.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  }
  if (spec.type !== 'LoadBalancer' && before.type === 'LoadBalancer') delete spec.allocateLoadBalancerNodePorts;
}

function reserve(
  service: Draft<Service>,
  old: Service | undefined,
  errors: FieldErrors,
  addresses: AddressAllocator,
  ports: NumberAllocator,
): Reservation {
  const { spec } = service;
  const oldAddresses = new Set(old ? addressesOf(old) : []);
  const oldPorts = new Set(old ? portsOf(old) : []);
  const tookAddresses: string[] = [];
  const tookPorts: number[] = [];
  if (spec.type !== 'ExternalName' && spec.clusterIP !== 'None' && spec.type !== undefined) {
    if (spec.clusterIP === undefined) {
      const address = addresses.next();
      if (address === undefined) {
        errors.invalid('spec.clusterIPs', [''], 'failed to allocate IP: range is full');
      } else {
        tookAddresses.push(address);
        spec.clusterIP = address;
        spec.clusterIPs = [address];
      }
    } else if (!oldAddresses.has(spec.clusterIP) && /^\d+\.\d+\.\d+\.\d+$/.test(spec.clusterIP)) {
      takeAddress(spec.clusterIP, spec.clusterIPs ?? [spec.clusterIP]);
    }
  }
  if (hasNodePorts(service as Service)) for (const [at, port] of (spec.ports ?? []).entries()) takePort(at, port);
  const wanted = new Set([...addressesOf(service as Service)]);
  const wantedPorts = new Set(portsOf(service as Service));
  return {
    commit() {
      for (const each of oldAddresses) if (!wanted.has(each)) addresses.release(each);
      for (const each of oldPorts) if (!wantedPorts.has(each)) ports.release(each);
    },
    release() {
      for (const each of tookAddresses) addresses.release(each);
      for (const each of tookPorts) ports.release(each);
    },
  };

  function takeAddress(address: string, all: readonly string[]): void {
    if (!addresses.contains(address)) {
      errors.invalid(
        'spec.clusterIPs',
        all,
        `failed to allocate IP ${address}: the provided IP (${address}) is not in the valid range. The range of valid IPs is ${addresses.cidr}`,
      );
    } else if (!addresses.take(address)) {
      errors.invalid('spec.clusterIPs', all, `failed to allocate IP ${address}: provided IP is already allocated`);
    } else tookAddresses.push(address);
  }

  function takePort(at: number, port: Draft<ServicePort>): void {
    const field = `spec.ports[${at}].nodePort`;
    if (!port.nodePort) {
      const number = ports.next();
      if (number === undefined) errors.invalid(field, 0, 'failed to allocate a nodePort: range is full');
      else {
        tookPorts.push(number);
        port.nodePort = number;
      }
      return;
    }
    if (oldPorts.has(port.nodePort) || tookPorts.includes(port.nodePort)) return;
    if (!ports.contains(port.nodePort)) {
      errors.invalid(
        field,
        port.nodePort,
        'provided port is not in the valid range. The range of valid ports is 30000-32767',
      );
    } else if (!ports.take(port.nodePort)) errors.invalid(field, port.nodePort, 'provided port is already allocated');
    else tookPorts.push(port.nodePort);
  }
}

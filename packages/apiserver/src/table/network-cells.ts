import {
  EndpointSlice,
  Endpoints,
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  Service,
  ServiceCIDR,
} from '@keelson/core';
import { cellsFor, type KindCells } from './cells.ts';
import { firstThree, formatLabels, formatSelector, none, unset } from './format.ts';
import { age } from './human-duration.ts';

export const networkCells: readonly KindCells[] = [
  cellsFor(Service, (service, now) => [
    service.metadata.name ?? '',
    service.spec?.type ?? '',
    service.spec?.clusterIPs?.[0] || none,
    externalAddresses(service),
    servicePorts(service),
    age(now, service.metadata.creationTimestamp),
    formatLabels(service.spec?.selector),
  ]),
  cellsFor(Endpoints, ({ metadata, subsets }, now) => {
    const list = (subsets ?? []).flatMap(({ ports, addresses }) => {
      if (!ports?.length) return (addresses ?? []).map(({ ip }) => ip);
      return ports.flatMap(({ port }) => (addresses ?? []).map(({ ip }) => `${host(ip)}:${port}`));
    });
    return [metadata.name ?? '', firstThree(list, none), age(now, metadata.creationTimestamp)];
  }),
  cellsFor(EndpointSlice, ({ metadata, addressType, ports, endpoints }, now) => [
    metadata.name ?? '',
    addressType ?? '',
    firstThree(
      (ports ?? []).map(({ port, name }) => (port !== undefined ? String(port) : name || '*')),
      unset,
    ),
    firstThree(
      (endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
      unset,
    ),
    age(now, metadata.creationTimestamp),
  ]),
  cellsFor(Ingress, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    spec?.ingressClassName ?? none,
    ingressHosts(spec?.rules ?? []),
    (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').join(','),
    spec?.tls?.length ? '80, 443' : '80',
    age(now, metadata.creationTimestamp),
  ]),
  cellsFor(IngressClass, ({ metadata, spec }, now) => {
    const parameters = spec?.parameters;
    const kind = parameters && (parameters.apiGroup ? `${parameters.kind}.${parameters.apiGroup}` : parameters.kind);
    return [
      metadata.name ?? '',
      spec?.controller ?? '',
      parameters ? `${kind}/${parameters.name}` : none,
      age(now, metadata.creationTimestamp),
    ];
  }),
  cellsFor(NetworkPolicy, ({ metadata, spec }, now) => [
    metadata.name ?? '',
    formatSelector(spec?.podSelector),
    age(now, metadata.creationTimestamp),
  ]),
  cellsFor(IPAddress, ({ metadata, spec }, now) => {
    const { group, resource, namespace, name } = spec?.parentRef ?? {};
    const parent = [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/');
    // Kubernetes gives the age, too, though it declares no column for it.
    return [metadata.name ?? '', parent || none, age(now, metadata.creationTimestamp)];
  }),
  cellsFor(ServiceCIDR, ({ metadata, spec }, now) => [
    metadata.name ?? '',
    (spec?.cidrs ?? []).join(','),
    age(now, metadata.creationTimestamp),
  ]),
];

const host = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip);

function externalAddresses({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? [];
  if (spec?.type === 'ExternalName') return spec.externalName ?? '';
  if (!spec?.type) return '<unknown>';
  if (spec.type !== 'LoadBalancer') return external.length > 0 ? external.join(',') : none;
  const balancer = (status?.loadBalancer?.ingress ?? [])
    .map(({ ip, hostname }) => ip || hostname || '')
    .filter(Boolean);
  const all = [...[...new Set(balancer)].sort(), ...external];
  return all.length > 0 ? all.join(',') : '<pending>';
}

function servicePorts({ spec }: Service): string {
  const ports = (spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol ?? 'TCP'}` : `${port}/${protocol ?? 'TCP'}`,
  );
  return ports.length > 0 ? ports.join(',') : none;
}

function ingressHosts(rules: readonly { readonly host?: string }[]): string {
  const hosts = rules.flatMap((rule) => (rule.host ? [rule.host] : []));
  return firstThree(hosts, '*');
}

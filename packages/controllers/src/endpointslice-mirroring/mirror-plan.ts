import {
  type Endpoint,
  type EndpointAddress,
  type EndpointSlice,
  Endpoints,
  type NewObject,
  ownerReferenceTo,
  type Service,
  semanticEqual,
  wellKnown,
} from '@keelson/core';

export const managedBy = 'endpointslicemirroring-controller.k8s.io';
/** No slice holds more of one subset; what is beyond is left out. */
const mostEndpoints = 1000;
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const notCopied = new Set([wellKnown.lastApplied, 'endpoints.kubernetes.io/last-change-trigger-time']);

export interface MirrorPlan {
  readonly create: readonly NewObject<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

/** Endpoints that somebody else keeps for a Service without a selector, and that do not ask to be left alone. */
export function isMirrored(endpoints: Endpoints | undefined, service: Service | undefined): boolean {
  if (endpoints === undefined || service === undefined || service.spec.selector !== undefined) return false;
  const { deletionTimestamp, labels, annotations } = endpoints.metadata;
  if (deletionTimestamp !== undefined || service.metadata.deletionTimestamp !== undefined) return false;
  return labels?.[skipLabel] !== 'true' && annotations?.[leaderAnnotation] === undefined;
}

type Ports = NonNullable<EndpointSlice['ports']>;

interface Group {
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: Ports;
  readonly endpoints: Map<string, Endpoint>;
}

/** One slice for each family and set of ports; a slice that is there is kept for its ports. */
export function planMirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): MirrorPlan {
  const free = new Map(existing.map((slice) => [slice.metadata.name, slice]));
  const create: NewObject<EndpointSlice>[] = [];
  const update: EndpointSlice[] = [];
  const { labels, annotations } = furniture(endpoints);
  for (const { addressType, ports, endpoints: wanted } of groupsOf(endpoints)) {
    const list = [...wanted.values()];
    const key = keyOf(addressType, ports);
    const slice = [...free.values()].find((each) => keyOf(each.addressType, each.ports ?? []) === key);
    if (slice === undefined) {
      create.push({
        metadata: {
          generateName: `${endpoints.metadata.name}-`,
          namespace: endpoints.metadata.namespace,
          labels,
          ...(Object.keys(annotations).length > 0 && { annotations }),
          ownerReferences: [ownerReferenceTo(endpoints, Endpoints)],
        },
        addressType,
        endpoints: list,
        ports,
      });
      continue;
    }
    free.delete(slice.metadata.name);
    const same =
      semanticEqual(slice.endpoints, list) &&
      semanticEqual(slice.metadata.labels, labels) &&
      semanticEqual(slice.metadata.annotations ?? {}, annotations);
    if (!same) update.push({ ...slice, metadata: { ...slice.metadata, labels, annotations }, endpoints: list });
  }
  return { create, update, delete: [...free.values()] };
}

function furniture({ metadata }: Endpoints) {
  return {
    labels: {
      ...metadata.labels,
      [wellKnown.serviceNameLabel]: metadata.name,
      [wellKnown.endpointSliceManagedByLabel]: managedBy,
    },
    annotations: Object.fromEntries(
      Object.entries(metadata.annotations ?? {}).filter(([name]) => !notCopied.has(name)),
    ),
  };
}

function keyOf(addressType: string, ports: Ports): string {
  const texts = ports.map(({ name = '', port = 0, protocol = 'TCP', appProtocol = '' }) =>
    [name, port, protocol, appProtocol].join('/'),
  );
  return `${addressType} ${texts.sort().join(' ')}`;
}

function groupsOf({ subsets = [] }: Endpoints): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const add = (address: EndpointAddress, ready: boolean) => {
      const addressType = address.ip.includes(':') ? 'IPv6' : 'IPv4';
      const slicePorts = ports.map(({ name = '', port, protocol, appProtocol }) => ({
        name,
        port,
        ...(protocol !== undefined && { protocol }),
        ...(appProtocol !== undefined && { appProtocol }),
      }));
      const key = keyOf(addressType, slicePorts);
      const group = groups.get(key) ?? { addressType, ports: slicePorts, endpoints: new Map() };
      groups.set(key, group);
      if (group.endpoints.size < mostEndpoints && !group.endpoints.has(address.ip)) {
        group.endpoints.set(address.ip, endpointOf(address, ready));
      }
    };
    for (const each of addresses) add(each, true);
    for (const each of notReadyAddresses) add(each, false);
  }
  return [...groups.values()];
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
    ...(targetRef && { targetRef }),
  };
}

import {
  type Endpoint,
  type EndpointSlice,
  type NewObject,
  ownerReferenceTo,
  Service,
  semanticEqual,
  wellKnown,
} from '@keelson/core';
import { type AddressType, addressTypes, type EndpointGroup, isHeadless } from './endpoints-of-service.ts';
import { portsKey, type SlicePort } from './service-ports.ts';

/** Endpoints in one slice at most: the default of Kubernetes, small enough for one change to cost little to all nodes. */
export const maxEndpoints = 100;
export const managedBy = 'endpointslice-controller.k8s.io';
export const headlessLabel = 'service.kubernetes.io/headless';
/** When the change that a slice answers to came about; only known here for a new Service. */
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

export interface SlicePlan {
  readonly create: readonly NewObject<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

interface Draft {
  readonly slice: EndpointSlice | undefined;
  readonly addressType: AddressType;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly Endpoint[];
}

/**
 * The fewest writes that make the slices say what they should: endpoints stay in the slice they are in, new ones fill
 * slices that change anyway, then others with room, then new slices; a slice to be deleted is made into a new one
 * instead. A Service without endpoints keeps one empty slice a family.
 */
export function planSlices(
  service: Service,
  groups: readonly EndpointGroup[],
  existing: readonly EndpointSlice[],
): SlicePlan {
  const drafts: Draft[] = [];
  const create: NewObject<EndpointSlice>[] = [];
  const spare: EndpointSlice[] = [];
  for (const addressType of addressTypes(service)) {
    const ofFamily = existing.filter((slice) => slice.addressType === addressType);
    const wanted = groups.filter((group) => group.addressType === addressType);
    const byPorts = groupByPorts(ofFamily);
    const filled: Draft[] = [];
    for (const group of wanted) {
      const key = portsKey(group.ports);
      filled.push(...fill(group, byPorts.get(key) ?? []));
      byPorts.delete(key);
    }
    if (filled.length === 0) filled.push({ slice: undefined, addressType, ports: [], endpoints: [] });
    const used = new Set(filled.map((draft) => draft.slice));
    const free = ofFamily.filter((slice) => !used.has(slice));
    // An empty slice that exists already serves as the placeholder with no write at all.
    free.sort((a, b) => (b.endpoints?.length ?? 0) - (a.endpoints?.length ?? 0));
    for (const draft of filled) {
      const slice = draft.slice ?? free.pop();
      if (slice === undefined) create.push(newSlice(service, draft));
      else drafts.push({ ...draft, slice });
    }
    spare.push(...free);
  }
  const families = new Set<string>(addressTypes(service));
  return {
    create,
    update: drafts.flatMap((draft) => updated(service, draft)),
    delete: [...spare, ...existing.filter((slice) => !families.has(slice.addressType))],
  };
}

function groupByPorts(slices: readonly EndpointSlice[]): Map<string, EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const key = portsKey(slice.ports ?? []);
    groups.set(key, [...(groups.get(key) ?? []), slice]);
  }
  return groups;
}

function fill(group: EndpointGroup, slices: readonly EndpointSlice[]): readonly Draft[] {
  const missing = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const kept = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const endpoint of slice.endpoints ?? []) {
      const current = missing.get(identity(endpoint));
      if (current === undefined) continue;
      missing.delete(identity(endpoint));
      endpoints.push(current);
    }
    return { slice, endpoints, changed: !semanticEqual(endpoints, slice.endpoints ?? []) };
  });
  const rest = [...missing.values()];
  const byRoom = [...kept].sort(
    (a, b) => Number(b.changed) - Number(a.changed) || b.endpoints.length - a.endpoints.length,
  );
  for (const draft of byRoom) draft.endpoints.push(...rest.splice(0, maxEndpoints - draft.endpoints.length));
  const { addressType, ports } = group;
  const drafts: Draft[] = kept
    .filter((draft) => draft.endpoints.length > 0)
    .map(({ slice, endpoints }) => ({ slice, addressType, ports, endpoints }));
  while (rest.length > 0) {
    drafts.push({ slice: undefined, addressType, ports, endpoints: rest.splice(0, maxEndpoints) });
  }
  return drafts;
}

/** An endpoint remains itself while its pod and address do; everything else about it may change in place. */
function identity(endpoint: Endpoint): string {
  return `${endpoint.targetRef?.uid ?? ''} ${endpoint.addresses.join(',')}`;
}

function newSlice(service: Service, draft: Draft): NewObject<EndpointSlice> {
  const { name, namespace, creationTimestamp } = service.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: labelsOf(service),
      ...(creationTimestamp && { annotations: { [triggerTimeAnnotation]: creationTimestamp } }),
      ownerReferences: [ownerReferenceTo(service, Service)],
    },
    addressType: draft.addressType,
    endpoints: draft.endpoints,
    ports: draft.ports,
  };
}

function updated(service: Service, { slice, ports, endpoints }: Draft): readonly EndpointSlice[] {
  if (slice === undefined) return [];
  const labels = labelsOf(service);
  const samePorts = portsKey(slice.ports ?? []) === portsKey(ports);
  if (samePorts && semanticEqual(slice.endpoints, endpoints) && semanticEqual(slice.metadata.labels, labels)) return [];
  const { [triggerTimeAnnotation]: _, ...annotations } = slice.metadata.annotations ?? {};
  return [{ ...slice, metadata: { ...slice.metadata, labels, annotations }, ports, endpoints }];
}

/** The Service's own labels, and those by which slices are found. */
export function labelsOf(service: Service): Readonly<Record<string, string>> {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {};
  return {
    ...labels,
    [wellKnown.serviceNameLabel]: service.metadata.name,
    [wellKnown.endpointSliceManagedByLabel]: managedBy,
    ...(isHeadless(service) && { [headlessLabel]: '' }),
  };
}

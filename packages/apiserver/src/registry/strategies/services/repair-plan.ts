import type { IPAddress, Service } from '@keelson/core';
import { allocatorName, managedByLabel, ownerKey, parentOf } from './address-book.ts';
import { holdsAddress, type IpRange, nameOfAddress } from './ip-range.ts';
import { clusterIpsOf, nodePortsOf } from './service-kinds.ts';

/** What somebody is told about a Service, as an Event. */
export interface RepairNote {
  readonly service: Service;
  readonly reason: string;
  readonly action: string;
  readonly message: string;
}

export interface AddressRepair {
  /** Addresses of Services that have no IPAddress. */
  readonly missing: readonly { readonly address: string; readonly service: Service }[];
  /** IPAddresses of the allocator that belong to nobody, or to somebody else. */
  readonly leaked: readonly IPAddress[];
  readonly notes: readonly RepairNote[];
}

export interface AddressState {
  readonly services: readonly Service[];
  readonly addresses: readonly IPAddress[];
  readonly ranges: readonly IpRange[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** An IPAddress this young may belong to a Service that is being written just now. */
  readonly graceMs: number;
}

const allocation = 'ClusterIPAllocation';

/** Compares the cluster IPs of Services with the IPAddresses that are to hold them (KEP-1880). */
export function planAddressRepair({ services, addresses, ranges, now, graceMs }: AddressState): AddressRepair {
  const byName = new Map(addresses.map((each) => [each.metadata.name, each]));
  const owners = new Map<string, Service>();
  const missing: { address: string; service: Service }[] = [];
  const leaked: IPAddress[] = [];
  const notes: RepairNote[] = [];
  for (const service of services) {
    for (const address of clusterIpsOf(service)) {
      const name = nameOfAddress(address);
      const note = (reason: string, action: string, message: string) =>
        void notes.push({ service, reason, action, message });
      if (!ranges.some((each) => holdsAddress(each, address))) {
        note(
          'ClusterIPOutOfRange',
          allocation,
          `Cluster IP [${family(address)}]: ${address} is not within any configured Service CIDR; please recreate service`,
        );
        continue;
      }
      const first = owners.get(name);
      if (first) {
        note(
          'ClusterIPAlreadyAllocated',
          allocation,
          `Cluster IP [${family(address)}]:${address} was assigned to multiple services; please recreate service`,
        );
        continue;
      }
      owners.set(name, service);
      const held = byName.get(name);
      if (!held) {
        missing.push({ address, service });
        note(
          'ClusterIPNotAllocated',
          allocation,
          `Cluster IP [${family(address)}]: ${address} is not allocated; repairing`,
        );
      } else if (parentOf(held) !== ownerKey(service)) {
        leaked.push(held);
        missing.push({ address, service });
        const { namespace = '', name: own } = service.metadata;
        note(
          'ClusterIPNotAllocated',
          allocation,
          `the ClusterIP [${family(address)}]: ${address} for Service ${namespace}/${own} has a wrong reference; repairing`,
        );
      }
    }
  }
  for (const each of addresses) {
    if (each.metadata.labels?.[managedByLabel] !== allocatorName || owners.has(each.metadata.name)) continue;
    const made = Date.parse(each.metadata.creationTimestamp ?? '');
    if (Number.isNaN(made) || now - made >= graceMs) leaked.push(each);
  }
  return { missing, leaked, notes };
}

const family = (address: string) => (address.includes(':') ? 'v6' : 'v4');

export interface PortRepair {
  /** Ports of Services that the record does not know. */
  readonly missing: readonly number[];
  /** Taken in the record by nobody, for so many looks in a row that they are given back. */
  readonly leaked: readonly number[];
  /** How many looks are left for the others that seem to be nobody's. */
  readonly suspects: ReadonlyMap<number, number>;
  readonly notes: readonly RepairNote[];
}

/** A port is nobody's only after so many looks: the Service that took it may be on its way into the store. */
const looks = 3;

/** Compares the ports of Services with the record of those that are taken. */
export function planPortRepair(
  services: readonly Service[],
  taken: Iterable<number>,
  [first, last]: readonly [number, number],
  suspects: ReadonlyMap<number, number>,
): PortRepair {
  const held = new Set(taken);
  const wanted = new Map<number, Service>();
  const missing: number[] = [];
  const notes: RepairNote[] = [];
  for (const service of services) {
    for (const port of nodePortsOf(service)) {
      const note = (reason: string, action: string, message: string) =>
        void notes.push({ service, reason, action, message });
      if (port < first || port > last) {
        const range = `${first}-${last}`;
        note(
          'PortOutOfRange',
          'PortAllocation',
          `Port ${port} is not within the port range ${range}; please recreate service`,
        );
      } else if (wanted.has(port)) {
        note(
          'PortAlreadyAllocated',
          'PortAllocation',
          `Port ${port} was assigned to multiple services; please recreate service`,
        );
      } else {
        wanted.set(port, service);
        if (held.has(port)) continue;
        missing.push(port);
        note('PortNotAllocated', 'PortAllocation', `Port ${port} is not allocated; repairing`);
      }
    }
  }
  const leaked: number[] = [];
  const next = new Map<number, number>();
  for (const port of held) {
    if (wanted.has(port)) continue;
    const left = (suspects.get(port) ?? looks) - 1;
    if (left <= 0) leaked.push(port);
    else next.set(port, left);
  }
  return { missing, leaked, suspects: next, notes };
}

import { type ApiRequest, IPAddress, isStatusError, type Random, type Service, ServiceCIDR } from '@keelson/core';
import type { ObjectReader } from '../../../admission/index.ts';
import { familyOf, type IpFamily } from './ip-families.ts';
import { addressOf, candidates, holdsAddress, type IpRange, nameOfAddress, rangeOf } from './ip-range.ts';

export const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
export const familyLabel = 'ipaddress.kubernetes.io/ip-family';
export const allocatorName = 'ipallocator.k8s.io';
export const defaultCidrName = 'kubernetes';

/** Why no address could be had, in the words of the allocator. */
export class AllocationError extends Error {
  override readonly name = 'AllocationError';
}

export interface AddressBookOptions {
  readonly reader: ObjectReader;
  /** Sends a request in the server's own name. */
  readonly send: (request: ApiRequest) => Promise<unknown>;
  readonly random: Random;
  /** The ranges of the server's configuration, which count until the ServiceCIDR `kubernetes` is there. */
  readonly configured: readonly string[];
}

/** After so many addresses that are somebody's, it is cheaper to know them all. */
const blindAttempts = 8;

type Owner = Pick<Service, 'metadata'>;

export function parentOf(address: IPAddress): string {
  const { resource, namespace, name } = address.spec?.parentRef ?? {};
  return `${resource ?? ''}/${namespace ?? ''}/${name ?? ''}`;
}
export const ownerKey = ({ metadata }: Owner) => `services/${metadata.namespace ?? ''}/${metadata.name ?? ''}`;

export function ipAddressFor(address: string, { metadata }: Owner) {
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name: nameOfAddress(address),
      labels: { [familyLabel]: familyOf(address), [managedByLabel]: allocatorName },
    },
    spec: {
      parentRef: { group: '', resource: 'services', namespace: metadata.namespace ?? '', name: metadata.name ?? '' },
    },
  };
}

/**
 * The cluster IPs of Services: each has an IPAddress of its name, and to create that is what takes it, for whichever
 * API server was first (KEP-1880). Addresses come from every ServiceCIDR that is ready.
 */
export class AddressBook {
  readonly #options: AddressBookOptions;

  constructor(options: AddressBookOptions) {
    this.#options = options;
  }

  /** The families of the cluster, the preferred one first. */
  get families(): readonly IpFamily[] {
    return this.#options.configured.flatMap((each) => rangeOf(each)?.family ?? []);
  }

  /** Where addresses are given out now. */
  async ranges(): Promise<readonly IpRange[]> {
    const all = await this.#options.reader.list(ServiceCIDR);
    const ready = all.filter(
      ({ metadata, status }) =>
        metadata.deletionTimestamp === undefined &&
        status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'),
    );
    const cidrs = ready.flatMap((each) => each.spec?.cidrs ?? []);
    const given = all.some((each) => each.metadata.name === defaultCidrName) ? [] : this.#options.configured;
    return [...new Set([...given, ...cidrs])].flatMap((each) => rangeOf(each) ?? []);
  }

  /** Rejects with `AllocationError`. */
  async take(address: string, owner: Owner, dryRun: boolean): Promise<void> {
    const ranges = await this.ranges();
    const own = ranges.filter((each) => each.family === familyOf(address));
    if (!own.some((each) => holdsAddress(each, address))) {
      // Who only tries asks the range itself, who means it asks for the range that holds the address.
      if (!dryRun) throw new AllocationError('the provided network does not match the current range');
      const valid = own.map((each) => each.cidr).join(',');
      throw new AllocationError(
        `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${valid}`,
      );
    }
    if (dryRun) return;
    if (!(await this.#create(address, owner))) throw new AllocationError('provided IP is already allocated');
  }

  /** Rejects with `AllocationError` when every range is full. */
  async next(family: IpFamily, owner: Owner, dryRun: boolean): Promise<string> {
    const ranges = (await this.ranges()).filter((each) => each.family === family);
    const [first] = ranges;
    // Nothing is looked for: what is free now need not be so later.
    if (dryRun && first) return addressOf(first.base, family);
    for (const range of ranges) {
      const address = await this.#search(range, owner);
      if (address !== undefined) return address;
    }
    throw new AllocationError('range is full');
  }

  async #search(range: IpRange, owner: Owner): Promise<string | undefined> {
    let taken: ReadonlySet<string> | undefined;
    let attempts = 0;
    for (const number of candidates(range.first, range.last, this.#options.random)) {
      const address = addressOf(number, range.family);
      if (taken?.has(address)) continue;
      if (await this.#create(address, owner)) return address;
      if (++attempts === blindAttempts) taken = await this.#names();
    }
    return undefined;
  }

  async #names(): Promise<ReadonlySet<string>> {
    return new Set((await this.#options.reader.list(IPAddress)).map((each) => each.metadata.name));
  }

  async #create(address: string, owner: Owner): Promise<boolean> {
    try {
      await this.#options.send({
        verb: 'create',
        group: 'networking.k8s.io',
        version: 'v1',
        resource: 'ipaddresses',
        body: ipAddressFor(address, owner),
        options: { fieldManager: 'kube-apiserver' },
      });
      return true;
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists')) return false;
      throw error;
    }
  }

  /** Gives an address back, if it is still this owner's. */
  async release(address: string, owner: Owner): Promise<void> {
    const name = nameOfAddress(address);
    const found = await this.#options.reader.get(IPAddress, name);
    if (!found || parentOf(found) !== ownerKey(owner)) return;
    await this.remove(found);
  }

  /** Takes an IPAddress away, as it was seen; nothing if it has gone or changed. */
  async remove({ metadata }: IPAddress): Promise<void> {
    const { name, uid, resourceVersion } = metadata;
    try {
      await this.#options.send({
        verb: 'delete',
        group: 'networking.k8s.io',
        version: 'v1',
        resource: 'ipaddresses',
        name,
        options: { preconditions: { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) } },
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}

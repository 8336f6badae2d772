import { BlockList, isIPv6 } from 'node:net';
import type { IPAddress, ServiceCIDR } from '@keelson/core';

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

function blocksOf({ spec }: ServiceCIDR): BlockList {
  const blocks = new BlockList();
  for (const cidr of spec?.cidrs ?? []) {
    const [network = '', bits = ''] = cidr.split('/');
    blocks.addSubnet(network, Number(bits), familyOf(network));
  }
  return blocks;
}

/** Addresses that would be in no range any more if this one went, while others that go do not count. */
export function dependants(
  cidr: ServiceCIDR,
  others: readonly ServiceCIDR[],
  addresses: readonly IPAddress[],
): readonly IPAddress[] {
  const own = blocksOf(cidr);
  const rest = others
    .filter(({ metadata }) => metadata.name !== cidr.metadata.name && metadata.deletionTimestamp === undefined)
    .map(blocksOf);
  return addresses.filter(({ metadata: { name } }) => {
    const family = familyOf(name);
    return own.check(name, family) && !rest.some((each) => each.check(name, family));
  });
}

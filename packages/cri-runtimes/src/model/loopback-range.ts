import { formatIpv4, parseIpv4Range } from '@keelson/core/machinery';

/**
 * The loopback addresses that stand for a node's pod range where pods share the host's network: `10.244.3.0/24` becomes
 * `127.128.3.0/24`. Linux answers on all of 127.0.0.0/8 without any set-up. The lower half of the octets is kept, so
 * that the nodes of one machine do not collide.
 */
export function loopbackRange(podCidr: string): string {
  const { first, size } = parseIpv4Range(podCidr);
  const within = first % 2 ** 16;
  return `${formatIpv4(127 * 2 ** 24 + 128 * 2 ** 16 + within)}/${32 - Math.round(Math.log2(Math.min(size, 2 ** 16)))}`;
}

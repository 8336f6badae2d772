import { ipv4At, parseIpv4Range } from '@keelson/core/machinery';

const addresses = 256;

/** The /24 of node `index` within an IPv4 range; the first node has the first one. Throws when the range is too small. */
export function podCidrOf(clusterCidr: string, index: number): string {
  const range = parseIpv4Range(clusterCidr);
  if ((index + 1) * addresses > range.size) {
    throw new Error(`${clusterCidr} has no /24 for node number ${index + 1}: choose a larger clusterCidr`);
  }
  return `${ipv4At(range, index * addresses)}/24`;
}

import { formatIpv4, type Ipv4Range, ipv4At, parseIpv4 } from '@keelson/core/machinery';

/** The range's first usable address: the gateway. */
export function gatewayOf(range: Ipv4Range): string {
  return ipv4At(range, 1);
}

/** Addresses for pods: all but network, gateway and broadcast, beginning after `last` and going round once. */
export function* podCandidates(range: Ipv4Range, last?: string): Generator<string> {
  const low = range.first + 2;
  const count = range.size - 3;
  if (count <= 0) return;
  const start = last === undefined ? 0 : (((parseIpv4(last) + 1 - low) % count) + count) % count;
  for (let step = 0; step < count; step++) yield formatIpv4(low + ((start + step) % count));
}

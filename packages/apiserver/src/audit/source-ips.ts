import { isIP } from 'node:net';

/** Where a request came from, as far as it says, the nearest last: nobody can forge that one. */
export function sourceIps(
  forwardedFor: string | undefined,
  realIp: string | undefined,
  remoteAddress: string | undefined,
): readonly string[] {
  const ips = (forwardedFor ?? '').split(',').flatMap(ipIn);
  const [real] = ipIn(realIp ?? '');
  if (real !== undefined && !ips.includes(real)) ips.push(real);
  const [remote] = ipIn(remoteAddress ?? '');
  if (remote !== undefined && ips.at(-1) !== remote) ips.push(remote);
  return ips;
}

function ipIn(text: string): string[] {
  // IPv4 over a socket of IPv6.
  const ip = text.trim().replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(ip) === 0 ? [] : [ip];
}

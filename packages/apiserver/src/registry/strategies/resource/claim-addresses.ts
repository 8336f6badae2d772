import type { FieldErrors } from '../../strategy.ts';
import { canonicalAddress, isMapped, parseCidr } from '../ip-checks.ts';

/**
 * The address of an interface with the length of its network's prefix, written in the one canonical way. What is IPv4
 * inside IPv6 has the prefix that Go makes of it.
 */
export function checkCidrAddress(text: string, at: string, errors: FieldErrors): void {
  const cidr = parseCidr(text);
  if (!cidr) {
    errors.invalid(at, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)');
    return;
  }
  const canonical = isMapped(cidr.bytes)
    ? `${cidr.bytes.slice(12).join('.')}/${cidr.bits === 0 ? 0 : cidr.bits - 96}`
    : `${canonicalAddress(text.slice(0, text.indexOf('/')))}/${cidr.bits}`;
  if (canonical !== text) errors.invalid(at, text, `must be in canonical form ("${canonical}")`);
}

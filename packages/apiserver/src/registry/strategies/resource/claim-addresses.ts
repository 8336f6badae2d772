import type { FieldErrors } from '../../strategy.ts';
import { canonicalAddress, parseCidr } from '../ip-checks.ts';

/** The address of an interface with the length of its network's prefix, written in the one canonical way. */
export function checkCidrAddress(text: string, at: string, errors: FieldErrors): void {
  const cidr = parseCidr(text);
  if (!cidr) {
    errors.invalid(at, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)');
    return;
  }
  const [address = ''] = text.split('/');
  const canonical = `${canonicalAddress(address)}/${cidr.bits}`;
  if (canonical !== text) errors.invalid(at, text, `must be in canonical form (${canonical})`);
}

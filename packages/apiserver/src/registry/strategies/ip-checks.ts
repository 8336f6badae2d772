import type { FieldErrors } from '../strategy.ts';
import { isIp } from './checks.ts';

const notAnIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const notACidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
const dotted = /^\d{1,3}(\.\d{1,3}){3}$/;

/** As Go's old parser read them, with leading zeros. */
export const isAnyIp = (text: string) => isIp(text) || isSloppy(text);

const isSloppy = (text: string) =>
  dotted.test(text) && text.split('.').every((each) => Number(each) <= 255) && !isIp(text);

const withoutZeros = (text: string) => text.split('.').map(Number).join('.');

/** Bytes of an address: 4, or 16 as eight groups. Undefined when it is none. */
export function addressBytes(text: string): readonly number[] | undefined {
  if (isSloppy(text)) return withoutZeros(text).split('.').map(Number);
  if (!isIp(text)) return undefined;
  if (!text.includes(':')) return text.split('.').map(Number);
  const [head = '', tail] = text.split('::');
  const front = groupsOf(head);
  const back = tail === undefined ? [] : groupsOf(tail);
  return [...front, ...Array.from({ length: 16 - front.length - back.length }, () => 0), ...back];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((each) => {
    if (each.includes('.')) return each.split('.').map(Number);
    const value = Number.parseInt(each, 16);
    return [value >> 8, value & 255];
  });
}

export const isV6 = (text: string) => text.includes(':');

/** The one canonical way to write an address (RFC 5952). */
export function canonicalAddress(text: string): string {
  const bytes = addressBytes(text);
  if (!bytes) return text;
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0));
  if (isMapped(bytes)) return `::ffff:${bytes.slice(12).join('.')}`;
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const hex = (list: readonly number[]) => list.map((each) => each.toString(16)).join(':');
  if (best.at < 0) return hex(groups);
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}

export const isMapped = (bytes: readonly number[]) =>
  bytes.length === 16 && bytes.slice(0, 10).every((each) => each === 0) && bytes[10] === 255 && bytes[11] === 255;

/** Addresses in kinds of long ago: what Go once read is good, and only warned of. */
export function checkLegacyAddress(text: string, at: string, errors: FieldErrors): boolean {
  if (addressBytes(text)) return true;
  errors.invalid(at, text, notAnIp);
  return false;
}

export function addressWarnings(text: string, at: string): readonly string[] {
  const bytes = addressBytes(text);
  if (!bytes) return [];
  const proper = isMapped(bytes) ? bytes.slice(12).join('.') : canonicalAddress(text);
  if (isSloppy(text) || isMapped(bytes)) {
    return [
      `${at}: non-standard IP address ${JSON.stringify(text)} will be considered invalid in a future Kubernetes release: use ${JSON.stringify(proper)}`,
    ];
  }
  if (isV6(text) && proper !== text) {
    return [
      `${at}: IPv6 address ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(proper)})`,
    ];
  }
  return [];
}

export interface Cidr {
  readonly bytes: readonly number[];
  readonly bits: number;
}

export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const bytes = addressBytes(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (!bytes || !/^\d{1,3}$/.test(length) || Number(length) > bytes.length * 8) return undefined;
  return { bytes, bits: Number(length) };
}

const bit = (bytes: readonly number[], at: number) => ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;

export function masked({ bytes, bits }: Cidr): readonly number[] {
  return bytes.map((each, at) => {
    const left = bits - at * 8;
    if (left >= 8) return each;
    return left <= 0 ? 0 : each & (0xff << (8 - left)) & 0xff;
  });
}

export function contains(outer: Cidr, inner: Cidr): boolean {
  if (outer.bytes.length !== inner.bytes.length) return false;
  for (let at = 0; at < outer.bits; at++) if (bit(outer.bytes, at) !== bit(inner.bytes, at)) return false;
  return true;
}

const textOf = (bytes: readonly number[]) =>
  bytes.length === 4
    ? bytes.join('.')
    : canonicalAddress(
        Array.from({ length: 8 }, (_, at) =>
          (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
        ).join(':'),
      );

export const networkText = (cidr: Cidr) => `${textOf(masked(cidr))}/${cidr.bits}`;

/** Ranges in kinds of long ago: what Go once read is good, and only warned of. */
export function checkLegacyCidr(text: string, at: string, errors: FieldErrors): Cidr | undefined {
  const cidr = parseCidr(text);
  if (!cidr) errors.invalid(at, text, notACidr);
  return cidr;
}

export function cidrWarnings(text: string, at: string): readonly string[] {
  const cidr = parseCidr(text);
  if (!cidr) return [];
  const [address = '', length = ''] = text.split('/');
  const network = networkText(cidr);
  if (isSloppy(address) || length !== String(cidr.bits) || isMapped(cidr.bytes)) {
    return [
      `${at}: non-standard CIDR value ${JSON.stringify(text)} will be considered invalid in a future Kubernetes release: use ${JSON.stringify(network)}`,
    ];
  }
  if (masked(cidr).some((each, place) => each !== cidr.bytes[place])) {
    const single = `${canonicalAddress(address)}/${cidr.bytes.length * 8}`;
    return [
      `${at}: CIDR value ${JSON.stringify(text)} is ambiguous in this context (should be ${JSON.stringify(network)} or ${JSON.stringify(single)}?)`,
    ];
  }
  if (isV6(text) && network !== text) {
    return [
      `${at}: IPv6 CIDR value ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(network)})`,
    ];
  }
  return [];
}

/** What is wrong with a range in newer kinds: it is written in the one canonical way. */
export function checkCidr(text: string, at: string, errors: FieldErrors): Cidr | undefined {
  const cidr = parseCidr(text);
  if (!cidr) {
    errors.invalid(at, text, notACidr);
    return undefined;
  }
  const [address = '', length = ''] = text.split('/');
  const from = errors.list.length;
  if (isSloppy(address) || length !== String(cidr.bits)) {
    errors.invalid(at, text, 'must not have leading 0s in IP or prefix length');
  }
  if (isMapped(cidr.bytes)) errors.invalid(at, text, 'must not have an IPv4-mapped IPv6 address');
  else if (masked(cidr).some((each, place) => each !== cidr.bytes[place])) {
    errors.invalid(at, text, 'must not have bits set beyond the prefix length');
  }
  return errors.list.length > from ? undefined : cidr;
}

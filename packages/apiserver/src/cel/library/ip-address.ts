import { goQuote } from '../../registry/strategy.ts';

/** An address by Go's `net/netip`: 32 or 128 bits, perhaps in a zone. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly zone: string;
}

/** A network; the address may have bits that are not of it. */
export interface IpPrefix {
  readonly address: IpAddress;
  readonly length: number;
}

/** What is wrong with a text, in Go's words. */
export class IpProblem {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Reads an address as `netip.ParseAddr` does. */
export function parseAddress(text: string): IpAddress | IpProblem {
  const first = /[.:%]/.exec(text)?.[0];
  const found = first === '.' ? parseIpv4(text) : first === ':' ? parseIpv6(text) : undefined;
  if (found !== undefined && typeof found !== 'string') return found;
  const problem = found ?? (first === '%' ? 'missing IPv6 address' : 'unable to parse IP');
  return new IpProblem(`ParseAddr(${goQuote(text)}): ${problem}`);
}

const at = (problem: string, rest: string): string => `${problem} (at ${goQuote(rest)})`;

/** The address, or what is wrong with it. */
function parseIpv4(text: string): IpAddress | string {
  const bits = ipv4Bits(text);
  return typeof bits === 'string' ? bits : { family: 4, bits, zone: '' };
}

function ipv4Bits(text: string): bigint | string {
  let bits = 0n;
  let fields = 0;
  let value = 0;
  let digits = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text[index] ?? '';
    if (char >= '0' && char <= '9') {
      if (digits === 1 && value === 0) return 'IPv4 field has octet with leading zero';
      value = value * 10 + Number(char);
      digits += 1;
      if (value > 255) return 'IPv4 field has value >255';
    } else if (char === '.') {
      const isLast = index === text.length - 1;
      if (index === 0 || isLast || digits === 0) {
        return at('IPv4 field must have at least one digit', text.slice(index));
      }
      if (fields === 3) return 'IPv4 address too long';
      bits = (bits << 8n) | BigInt(value);
      fields += 1;
      value = 0;
      digits = 0;
    } else return at('unexpected character', text.slice(index));
  }
  return fields < 3 ? 'IPv4 address too short' : (bits << 8n) | BigInt(value);
}

function parseIpv6(text: string): IpAddress | string {
  const percent = text.indexOf('%');
  const zone = percent < 0 ? '' : text.slice(percent + 1);
  if (percent >= 0 && zone === '') return 'zone must be a non-empty string';
  const bits = ipv6Bits(percent < 0 ? text : text.slice(0, percent));
  return typeof bits === 'string' ? bits : { family: 6, bits, zone };
}

/** Sixteen-bit groups from left to right, and where `::` stands among them. */
function ipv6Bits(text: string): bigint | string {
  const groups: number[] = [];
  let rest = text;
  let gap = -1;
  if (rest.startsWith('::')) {
    gap = 0;
    rest = rest.slice(2);
  }
  while (rest !== '' && groups.length < 8) {
    const digits = /^[0-9A-Fa-f]*/.exec(rest)?.[0] ?? '';
    if (digits.length > 4) return at('each group must have 4 or less digits', rest);
    if (digits === '') return at('each colon-separated field must have at least one digit', rest);
    if (rest[digits.length] === '.') {
      if (gap < 0 && groups.length !== 6) {
        return at('embedded IPv4 address must replace the final 2 fields of the address', rest);
      }
      if (groups.length > 6) return at('too many hex fields to fit an embedded IPv4 at the end of the address', rest);
      const low = ipv4Bits(rest);
      if (typeof low === 'string') return low;
      groups.push(Number(low >> 16n), Number(low & 0xffffn));
      rest = '';
      break;
    }
    groups.push(Number.parseInt(digits, 16));
    rest = rest.slice(digits.length);
    if (rest === '') break;
    if (rest[0] !== ':') return at('unexpected character, want colon', rest);
    if (rest.length === 1) return at('colon must be followed by more characters', rest);
    rest = rest.slice(1);
    if (rest[0] === ':') {
      if (gap >= 0) return at('multiple :: in address', rest);
      gap = groups.length;
      rest = rest.slice(1);
    }
  }
  if (rest !== '') return at('trailing garbage after address', rest);
  if (groups.length < 8 && gap < 0) return 'address string too short';
  if (groups.length === 8 && gap >= 0) return 'the :: must expand to at least one field of zeros';
  const zeros = new Array<number>(8 - groups.length).fill(0);
  return [...groups.slice(0, Math.max(gap, 0)), ...zeros, ...groups.slice(Math.max(gap, 0))].reduce(
    (bits, group) => (bits << 16n) | BigInt(group),
    0n,
  );
}

/** Reads a network as `netip.ParsePrefix` does. */
export function parsePrefix(text: string): IpPrefix | IpProblem {
  const refused = (problem: string) => new IpProblem(`netip.ParsePrefix(${goQuote(text)}): ${problem}`);
  const slash = text.lastIndexOf('/');
  if (slash < 0) return refused("no '/'");
  const address = parseAddress(text.slice(0, slash));
  if (address instanceof IpProblem) return refused(address.message);
  if (address.zone !== '') return refused('IPv6 zones cannot be present in a prefix');
  const bits = text.slice(slash + 1);
  if (!/^(0|[1-9]\d*)$/.test(bits)) return refused(`bad bits after slash: ${goQuote(bits)}`);
  const length = Number(bits);
  if (length > widthOf(address)) return refused('prefix length out of range');
  return { address, length };
}

const widthOf = ({ family }: IpAddress): 32 | 128 => (family === 4 ? 32 : 128);

/** An IPv4 address that is written as one of IPv6: `::ffff:1.2.3.4`. */
export const isMapped = ({ family, bits }: IpAddress): boolean => family === 6 && bits >> 32n === 0xffffn;

/** The one canonical text of an address (RFC 5952). */
export function formatAddress({ family, bits, zone }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (bits >> BigInt(112 - 16 * index)) & 0xffffn);
  const { start, length } = longestZeros(groups);
  const text = (from: readonly bigint[]) => from.map((group) => group.toString(16)).join(':');
  const whole = length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
  return zone === '' ? whole : `${whole}%${zone}`;
}

function longestZeros(groups: readonly bigint[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0n) length += 1;
    if (length > best.length) best = { start, length };
  }
  return best;
}

export const formatPrefix = ({ address, length }: IpPrefix): string => `${formatAddress(address)}/${length}`;

const networkBits = (address: IpAddress, length: number): bigint => address.bits >> BigInt(widthOf(address) - length);

export function prefixContains({ address, length }: IpPrefix, other: IpAddress): boolean {
  return address.family === other.family && networkBits(address, length) === networkBits(other, length);
}

/** The network with all bits of its address that are not of it set to zero. */
export function maskedPrefix({ address, length }: IpPrefix): IpPrefix {
  const bits = networkBits(address, length) << BigInt(widthOf(address) - length);
  return { address: { ...address, bits }, length };
}

/** The kinds of addresses that `netip` tells apart. */
export const isKind = {
  unspecified: ({ bits, zone }: IpAddress): boolean => bits === 0n && zone === '',
  loopback: ({ family, bits }: IpAddress): boolean => (family === 4 ? bits >> 24n === 127n : bits === 1n),
  multicast: ({ family, bits }: IpAddress): boolean => (family === 4 ? bits >> 28n === 0xen : bits >> 120n === 0xffn),
  linkLocalMulticast: ({ family, bits }: IpAddress): boolean =>
    family === 4 ? bits >> 8n === 0xe00000n : ((bits >> 112n) & 0xff0fn) === 0xff02n,
  linkLocalUnicast: ({ family, bits }: IpAddress): boolean =>
    family === 4 ? bits >> 16n === 0xa9fen : bits >> 118n === 0x3fan,
  globalUnicast: (address: IpAddress): boolean =>
    !isKind.unspecified(address) &&
    !(address.family === 4 && address.bits === 0xffffffffn) &&
    !isKind.loopback(address) &&
    !isKind.multicast(address) &&
    !isKind.linkLocalUnicast(address),
} as const;

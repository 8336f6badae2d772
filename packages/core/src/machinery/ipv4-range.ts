/** An IPv4 range in CIDR form. Addresses are unsigned 32-bit numbers inside. */
export interface Ipv4Range {
  /** The network's own address. */
  readonly first: number;
  /** How many addresses, network and broadcast included. */
  readonly size: number;
}

/** Throws `RangeError` unless `cidr` is an IPv4 network such as `10.244.0.0/24`; bits beyond the prefix are ignored. */
export function parseIpv4Range(cidr: string): Ipv4Range {
  const [address, bits, rest] = cidr.split('/');
  if (
    address === undefined ||
    rest !== undefined ||
    bits === undefined ||
    !/^\d{1,2}$/.test(bits) ||
    Number(bits) > 32
  ) {
    throw new RangeError(`${cidr} is not an IPv4 range such as 10.244.0.0/24`);
  }
  const size = 2 ** (32 - Number(bits));
  const value = parseIpv4(address);
  return { first: value - (value % size), size };
}

/** Throws `RangeError` unless `text` is four decimal bytes. */
export function parseIpv4(text: string): number {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    throw new RangeError(`${text} is not an IPv4 address`);
  }
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

/** An address as text: `10.0.0.1`. */
export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** The address at an offset of a range; a negative offset counts from the end. Throws `RangeError` beyond it. */
export function ipv4At(range: Ipv4Range, offset: number): string {
  const at = offset < 0 ? range.size + offset : offset;
  if (at < 0 || at >= range.size) throw new RangeError(`the range has no address number ${offset}`);
  return formatIpv4(range.first + at);
}

/** An IPv4 range in CIDR form. Pure arithmetic; addresses are unsigned 32-bit numbers inside. */
export interface AddressRange {
  readonly first: number;
  readonly size: number;
}

/** Throws `RangeError` unless `cidr` is an IPv4 network such as `10.244.0.0/24`. */
export function parseRange(cidr: string): AddressRange {
  const [address, bits, rest] = cidr.split('/');
  const length = Number(bits);
  if (address === undefined || rest !== undefined || !Number.isInteger(length) || length < 0 || length > 32)
    throw new RangeError(`${cidr} is not an IPv4 range such as 10.244.0.0/24`);
  const value = parseAddress(address);
  const size = 2 ** (32 - length);
  return { first: value - (value % size), size };
}

export function parseAddress(text: string): number {
  const parts = text.split('.').map((each) => (/^\d{1,3}$/.test(each) ? Number(each) : Number.NaN));
  if (parts.length !== 4 || !parts.every((each) => each >= 0 && each <= 255))
    throw new RangeError(`${text} is not an IPv4 address`);
  return parts.reduce((sum, each) => sum * 256 + each, 0);
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** The range's first usable address: the gateway. */
export function gatewayOf(range: AddressRange): string {
  return formatAddress(range.first + 1);
}

/** Addresses for pods: all but network, gateway and broadcast, beginning after `last` and going round once. */
export function* candidates(range: AddressRange, last?: string): Generator<string> {
  const low = range.first + 2;
  const count = range.size - 3;
  if (count <= 0) return;
  const start = last === undefined ? 0 : (((parseAddress(last) + 1 - low) % count) + count) % count;
  for (let step = 0; step < count; step++) yield formatAddress(low + ((start + step) % count));
}

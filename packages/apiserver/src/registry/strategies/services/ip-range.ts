import type { Random } from '@keelson/core';
import { addressBytes, canonicalAddress, isMapped, masked, parseCidr } from '../ip-checks.ts';
import type { IpFamily } from './ip-families.ts';

/** The addresses of one CIDR that Services may have, as numbers. */
export interface IpRange {
  readonly cidr: string;
  readonly family: IpFamily;
  /** The network's own address, which is never given out. */
  readonly base: bigint;
  readonly first: bigint;
  /** IPv4's broadcast address is not among them. */
  readonly last: bigint;
}

const numberOf = (bytes: readonly number[]) => bytes.reduce((sum, each) => (sum << 8n) | BigInt(each), 0n);

export function addressOf(number: bigint, family: IpFamily): string {
  const size = family === 'IPv4' ? 4 : 16;
  const bytes = Array.from({ length: size }, (_, at) => Number((number >> BigInt((size - 1 - at) * 8)) & 255n));
  if (size === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
  );
  return canonicalAddress(groups.join(':'));
}

/** The name of an address' object: the one way to write it. */
export function nameOfAddress(text: string): string {
  const bytes = addressBytes(text);
  if (!bytes) return text;
  return bytes.length === 4 || isMapped(bytes) ? bytes.slice(-4).join('.') : canonicalAddress(text);
}

/** Undefined for what is no CIDR. */
export function rangeOf(cidr: string): IpRange | undefined {
  const parsed = parseCidr(cidr);
  if (!parsed) return undefined;
  const family: IpFamily = parsed.bytes.length === 4 ? 'IPv4' : 'IPv6';
  const base = numberOf(masked(parsed));
  const size = 1n << BigInt(parsed.bytes.length * 8 - parsed.bits);
  const last = base + size - (family === 'IPv4' ? 2n : 1n);
  return { cidr, family, base, first: base + 1n, last };
}

export function holdsAddress(range: IpRange, text: string): boolean {
  const bytes = addressBytes(text);
  if (!bytes || bytes.length !== (range.family === 'IPv4' ? 4 : 16)) return false;
  const number = numberOf(bytes);
  return number >= range.first && number <= range.last;
}

/** How many numbers at the beginning are left to those who ask for a certain one (KEP-3070). */
function reservedOf(size: bigint): bigint {
  if (size < 16n) return 0n;
  const part = size / 16n;
  return part < 16n ? 16n : part > 256n ? 256n : part;
}

const most = BigInt(Number.MAX_SAFE_INTEGER);

function* from(first: bigint, last: bigint, random: Random): Generator<bigint> {
  const size = last - first + 1n;
  if (size <= 0n) return;
  const start = BigInt(Math.floor(random() * Number(size > most ? most : size)));
  for (let step = 0n; step < size; step++) yield first + ((start + step) % size);
}

/** Every number once: the upper part from a place by chance on, and then the lower one. */
export function* candidates(first: bigint, last: bigint, random: Random): Generator<bigint> {
  const reserved = reservedOf(last - first + 1n);
  yield* from(first + reserved, last, random);
  yield* from(first, first + reserved - 1n, random);
}

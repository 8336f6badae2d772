import { formatQuantity, type PersistentVolumeClaimSpec, parseQuantity } from '@keelson/core';

const NANO = 1_000_000_000n;

/** A part of a byte: `100m` where somebody meant `100M`. */
export function fractionalBytes(value: string | undefined, at: string, warn: (text: string) => void): void {
  if (value === undefined || parseQuantity(value).nanos % NANO === 0n) return;
  warn(`${at}: fractional byte value "${formatQuantity(value)}" is invalid, must be an integer`);
}

export function claimWarnings(
  { resources }: PersistentVolumeClaimSpec,
  at: string,
  warn: (text: string) => void,
): void {
  fractionalBytes(resources?.requests?.['storage'], `${at}.resources.requests[storage]`, warn);
  fractionalBytes(resources?.limits?.['storage'], `${at}.resources.limits[storage]`, warn);
}
